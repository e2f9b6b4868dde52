"""Datasets as others make them: by Minari's own collector, and by its own storage."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import pytest
from gymnasium import spaces
from minari.data_collector import EpisodeBuffer

from worldvae.envs import EnvConfig, FrameConfig

SIDE = 40
FRAME = FrameConfig(height=SIDE, width=SIDE)
IMAGE = spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """What Minari's collector needs of JAX, for dicts and leaves."""
    if isinstance(tree, dict):
        return {key: tree_map(function, tree[key], *(one[key] for one in others)) for key in tree}
    return function(tree, *others)


@pytest.fixture(autouse=True)
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Minari's folder of datasets; its collector finds a JAX."""
    jax, tree_util = ModuleType("jax"), ModuleType("jax.tree_util")
    jax.tree_util, tree_util.tree_map = tree_util, tree_map  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setitem(sys.modules, "jax.tree_util", tree_util)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "datasets"))
    return tmp_path / "datasets"


def play(env: gym.Env[Any, Any], name: str, episodes: int = 2, **options: Any) -> None:
    """Play with Minari's own collector; the last episode is left unfinished after 3 decisions."""
    options = {"jpeg_encoding": False, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no author, no permalink
        collector = minari.DataCollector(env, **options)
        collector.action_space.seed(0)
        for episode in range(episodes):
            collector.reset(seed=episode)
            over, steps = False, 0
            while not over and not (episode == episodes - 1 and steps == 3):
                *_, terminated, truncated, _ = collector.step(collector.action_space.sample())
                over, steps = terminated or truncated, steps + 1
        collector.create_dataset(name)
        collector.close()


gym.register("tests/Odd-v0", entry_point="tests.odd:Odd", disable_env_checker=True)


def odd(**kwargs: Any) -> gym.Env[Any, Any]:
    """An environment of tests/odd.py that shares no arrays, and whose spec fits into a file."""
    return gym.make("tests/Odd-v0", reuse=False, spoil=False, **kwargs)


def odd_config(image_key: str | None = None, **kwargs: Any) -> EnvConfig:
    """The task of `odd`."""
    return EnvConfig(
        id="tests.rollouts.minari.datasets:tests/Odd-v0",
        kwargs={"reuse": False, "spoil": False, **kwargs},
        frame=FRAME,
        image_key=image_key,
        workers="sync",
    )


def buffer(length: int = 4, seed: int = 0, **replaced: Any) -> EpisodeBuffer:
    """An episode of noise, with some of its parts replaced."""
    generator = np.random.default_rng([seed, length])
    last = np.arange(length) == length - 1
    parts: dict[str, Any] = {
        "observations": generator.integers(0, 256, (length + 1, SIDE, SIDE, 3), np.uint8),
        "actions": generator.integers(0, 5, length),
        "rewards": generator.normal(size=length),
        "terminations": last,
        "truncations": np.zeros(length, bool),
        "infos": {},
    }
    return EpisodeBuffer(**{**parts, **replaced})


def store_buffers(name: str, *buffers: EpisodeBuffer, **options: Any) -> None:
    """Write a dataset of `buffers` with Minari, of no environment unless `env` names one."""
    given: dict[str, Any] = {
        "observation_space": IMAGE,
        "action_space": spaces.Discrete(5),
        "jpeg_encoding": False,
        **options,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        minari.create_dataset_from_buffers(name, list(buffers), **given)


NOWHERE = EnvConfig(id="me/Robot-v0", frame=FRAME)
"""The task of a dataset that names no environment; it is registered nowhere."""


@contextmanager
def said() -> Iterator[list[str]]:
    """What the block warns of; the list is full after it."""
    lines: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lines
    lines += [str(warning.message) for warning in caught]
