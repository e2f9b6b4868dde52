"""A run whose environment's own code was changed says what it holds of the old one."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import pytest

from agents.config.experiment import Experiment
from agents.gap.worlds import RunWorlds
from agents.prepare.rollouts import collect_rollouts
from agents.report.summary import unequal
from agents.rescore import rescore
from agents.run.code import warn_of_other_code
from agents.run.load import read_run
from agents.train import train
from tests.dynamics.folders import make_folders
from tests.tiny import load
from worldvae.envs import own_code

ROBOT = """
import gymnasium as gym
from tests.worlds import Clock

class Robot(Clock):
    def step(self, action):
        obs, reward, *rest = super().step(action)
        return obs, {pay} * reward, *rest

gym.register("own/Robot-v0", "own_robot:Robot")
"""


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_robot", raising=False)
    monkeypatch.delitem(gym.registry, "own/Robot-v0", raising=False)
    let_it_pay(tmp_path, 1)
    return load(
        tmp_path,
        name="x",
        env={"id": "own/Robot-v0", "import": "own_robot", "action_repeat": 1},
        rollouts={"frames": 100},
        agent={"env_steps": 120, "algorithm": "PPO"},
        evaluation={"episodes": 1, "episodes_otherwise": 0},
    )


def let_it_pay(folder: Path, pay: int) -> None:
    """As if it were a new process."""
    (folder / "own_robot.py").write_text(ROBOT.format(pay=pay))
    importlib.invalidate_caches()
    own_code._hash.cache_clear()


def test_what_was_made_with_other_code_is_named(experiment: Experiment, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "own/Robot-v0: the code")
        collect_rollouts(experiment)
        train(experiment, "blind", 0)
        warn_of_other_code(experiment)
    let_it_pay(tmp_path, 2)
    with pytest.warns(UserWarning, match="since rollouts, agents/blind/seed_0 of .*--name"):
        warn_of_other_code(experiment)
    with pytest.warns(UserWarning, match="the code of own_robot was changed"):
        collect_rollouts(experiment)
    with pytest.warns(UserWarning, match="the code of own_robot was changed"):
        list(rescore(experiment, "blind", 0, "gymnasium"))
    train(experiment, "blind", 1)
    told = unequal(read_run(experiment.folder).results)
    assert told == ["the versions of the software (code of own_robot)"]


def test_reality_is_played_again_by_other_code(experiment: Experiment, tmp_path: Path) -> None:
    """Else a gap report compares dreams with what the environment paid before."""
    dynamics, settings = make_folders(tmp_path / "made").dynamics, experiment.dream.settings
    worlds = RunWorlds(experiment.env, experiment.gap, settings, dynamics, "cpu")
    before = worlds.decides_reality()
    assert worlds.decides_reality() == before
    let_it_pay(tmp_path, 2)
    assert worlds.decides_reality() != before
