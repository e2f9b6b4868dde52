"""Collecting the rollouts of an experiment, also where that fails."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from agents.config.experiment import Experiment
from agents.prepare import collect_rollouts
from tests.tiny import load
from worldvae.envs.dots import DotsEnv
from worldvae.errors import WorldvaeError


class Breaks(DotsEnv):
    """Dots whose step `breaks_at`, counted over all episodes, raises."""

    def __init__(self, breaks_at: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.breaks_at, self.steps = breaks_at, 0

    def step(self, action: Any) -> Any:
        self.steps += 1
        if self.steps == self.breaks_at:
            raise ValueError("a wheel fell off")
        return super().step(action)


gym.register("tests/Breaks-v0", Breaks, max_episode_steps=20)


def breaking(runs: Path, at: int) -> Experiment:
    env = {"id": "tests/Breaks-v0", "workers": "sync", "kwargs": {"breaks_at": at}}
    return load(runs, env=env)


def test_other_settings_may_be_tried_where_no_episode_was_collected(tmp_path: Path) -> None:
    """Whoever mends a configuration is not told of frames that there are none of."""
    with pytest.raises(WorldvaeError, match="a wheel fell off"):
        collect_rollouts(breaking(tmp_path, at=3))
    store = collect_rollouts(mended := breaking(tmp_path, at=0))
    assert store.env == mended.env
    assert store.records


def test_episodes_of_a_collection_that_fails_keep_its_settings(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match="a wheel fell off"):
        collect_rollouts(breaking(tmp_path, at=50))
    with pytest.raises(
        WorldvaeError, match=r"was made with env\.kwargs\.breaks_at = 50, now it is 0"
    ):
        collect_rollouts(breaking(tmp_path, at=0))
