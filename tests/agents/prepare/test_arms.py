"""What an algorithm cannot learn from is told before anything is collected for it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from agents.config.experiment import Experiment
from agents.prepare import prepare, prepare_untrained_encoder, pretrain_encoder
from agents.study.run import study
from agents.sweep.run import sweep
from tests.tiny import load
from tests.worlds import Clock
from worldvae.errors import ConfigError, TrainingError

CHOICES = {"env.id": "tests/Clock-v0", "env.import": "tests.worlds"}
KEYS = {"env.id": "odd/Odd-v0", "env.import": "tests.odd", "env.image_key": "camera"}
KEYED = {**KEYS, "env.kwargs": {"keys": ["speed"], "actions": "box"}}
MISFITS: list[tuple[str, dict[str, Any], str]] = [
    (
        "SAC",
        CHOICES,
        r"'SAC': it cannot .* Discrete\(2\); use PPO, RecurrentPPO, A2C or DQN",
    ),
    ("TQC", CHOICES, "'TQC': it cannot choose"),
    (
        "DQN",
        {},
        r"'DQN': it cannot .* Box\(.*use PPO, RecurrentPPO, A2C, SAC, TQC or CrossQ",
    ),
    ("CrossQ", KEYED, "CrossQ of sb3-contrib learns from no Dict"),
    ("PPO", {**CHOICES, "agent.settings": {"use_sde": True}}, "only .* continuous actions"),
]


def unfit(runs: Path, algorithm: str, values: dict[str, Any]) -> Any:
    defaults = {"agent.settings": {}, "env.action_repeat": 1}
    nested: dict[str, Any] = {"name": "x"}
    for key, value in {**defaults, "agent.algorithm": algorithm, **values}.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    return load(runs, **nested)


@pytest.mark.parametrize(("algorithm", "values", "words"), MISFITS)
def test_an_algorithm_that_does_not_fit_is_refused_before_anything_is_collected(
    tmp_path: Path, algorithm: str, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        prepare(unfit(tmp_path, algorithm, values), ["latent", "pixels"])
    assert not any(tmp_path.iterdir())


def test_a_study_refuses_it_too(tmp_path: Path) -> None:
    values = {**CHOICES, "study.agent_seeds": [0], "study.seeds": [0]}
    with pytest.raises(TrainingError, match="'SAC': it cannot choose"):
        study(unfit(tmp_path, "SAC", values))
    assert not any(tmp_path.iterdir())


class NoSeed(Clock):
    """Its frames are drawn from a generator that no seed reaches."""

    def _observe(self) -> Any:
        return np.random.default_rng().integers(0, 256, (40, 48, 3), np.uint8)


@pytest.mark.parametrize("arms", [["pixels"], ["blind", "pixels"]])
def test_an_environment_that_ignores_its_seed_is_told_of(tmp_path: Path, arms: list[str]) -> None:
    gym.register("tests/NoSeed-v0", entry_point=NoSeed)
    env = {"id": "tests/NoSeed-v0", "max_episode_steps": 9, "action_repeat": 1}
    with pytest.warns(UserWarning, match="another episode from its first frame on.*np_random"):
        prepare(load(tmp_path, name="x", env=env), arms)


class Masked(Clock):
    def action_masks(self) -> Any:
        return np.array([True, self.age > 0])


def test_masks_that_nothing_asks_are_told_of(tmp_path: Path) -> None:
    gym.register("tests/Masked-v0", entry_point=Masked)
    env = {"id": "tests/Masked-v0", "max_episode_steps": 9, "action_repeat": 1}
    with pytest.warns(UserWarning, match=r"Masked-v0: nothing asks its action_masks\(\)"):
        prepare(load(tmp_path, name="x", env=env), ["pixels"])


class Wide(Clock):
    """Its actions are large."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.action_space = gym.spaces.Box(0, 500, (1,))  # type: ignore[assignment]


def test_actions_that_are_hardly_explored_are_told_of(tmp_path: Path) -> None:
    gym.register("tests/Wide-v0", entry_point=Wide)
    env = {"id": "tests/Wide-v0", "max_episode_steps": 9, "action_repeat": 1}
    with pytest.warns(UserWarning, match=r"Wide-v0: PPO begins .* from 0 to 500.*RescaleAction"):
        prepare(load(tmp_path, name="x", env=env), ["pixels"])


def test_nothing_is_said_of_a_task_that_is_sound(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(load(tmp_path, name="x"), ["pixels"])


@pytest.mark.parametrize("job", [pretrain_encoder, prepare_untrained_encoder, study, sweep])
def test_a_code_that_frames_leave_no_place_is_refused_before_anything_is_collected(
    tmp_path: Path, job: Callable[[Experiment], Any]
) -> None:
    """Five cells by five take no seven latents, whatever the frames show."""
    experiment = load(tmp_path, **{"pretrain.code": "grid", "pretrain.latents": 7})
    with pytest.raises(ConfigError, match=r"latents = 7: code: grid has 5x5 cells here"):
        job(experiment)
    assert not any(tmp_path.iterdir())


def test_a_sweep_of_sizes_asks_each_of_them(tmp_path: Path) -> None:
    sizes = {"pretrain.code": "grid", "sweep.latents": [25, 30]}
    with pytest.raises(ConfigError, match="latents = 30: code: grid has 5x5"):
        sweep(load(tmp_path, **sizes))
    assert not any(tmp_path.iterdir())
