"""What a training writes down of itself: how far it is, what that cost, and where it goes on."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from agents.arms.registry import ARMS, ArmName
from agents.policy.callback import Pace, TrainingCallback
from agents.policy.evaluate import Promised, Score
from agents.policy.resources import PeakMemory
from agents.run.agent_card import AgentCard, read_card
from agents.run.agent_result import EPISODES, EVALUATIONS
from worldvae.envs import EnvConfig

PAUSE = 0.3


def measure(_: Any) -> tuple[list[Score], Promised]:
    """An evaluation that takes longer than the training."""
    time.sleep(PAUSE)
    return [Score(0, 7.0, 5), Score(1, 8.0, 6)], Promised((9.0,), (3,))


@pytest.mark.parametrize("arm", ["pixels", "dream"])
def test_steps_and_seconds_are_those_of_training(tmp_path: Path, arm: ArmName) -> None:
    """A rollout is 16 decisions of 2 steps, so that every 64 steps are two rollouts."""
    env = VecNormalize(DummyVecEnv([lambda: Monitor(gym.make("CartPole-v1"))]), norm_obs=False)
    model = PPO("MlpPolicy", env, seed=0, n_steps=16, batch_size=16, n_epochs=1, device="cpu")
    task = EnvConfig(id="CartPole-v1", action_repeat=2)
    card = AgentCard(
        **{"arm": arm, "algorithm": "PPO", "seed": 0, "stack": 1, "whiten": True},
        **{"env": task, "encoder": None, "encoder_sha256": None},
        **{"seconds": 100.0, "cpu_seconds": 200.0, "evaluation_seconds": 50.0},
        **{"refresh_env_steps": 30, "refresh_seconds": 40.0},
    )
    agent: Any = SimpleNamespace(arm=ARMS[arm], observer=None, model=model)
    with PeakMemory() as memory:
        watch = TrainingCallback(tmp_path, agent, card, 192, (64, 64), measure, memory)
        begun = time.monotonic()
        model.learn(96, callback=watch)
        took = time.monotonic() - begun
    saved = read_card(tmp_path)
    trained, other = (
        ("dreamed_steps", "env_steps") if arm == "dream" else ("env_steps", "dreamed_steps")
    )
    lines, episodes = EVALUATIONS.read(tmp_path), EPISODES.read(tmp_path)
    assert [getattr(line, trained) for line in lines] == [64, 128]
    assert (getattr(saved, trained), getattr(saved, other)) == (128, 0)
    assert {getattr(line, other) for line in (*lines, *episodes)} == {0}
    for line in lines:
        assert (line.returns, line.lengths) == ((7.0, 8.0), (5, 6))
        assert (line.promised, line.promised_starts) == ((9.0,), (3,))
        assert (line.refresh_env_steps, line.refresh_seconds) == (30, 40.0)
    assert saved.evaluation_seconds >= 50 + 2 * PAUSE
    assert 100 < saved.seconds < 100 + took - 2 * PAUSE
    before = [one for one in episodes if getattr(one, trained) <= 128]
    assert saved.logged == {EPISODES.name: len(before), EVALUATIONS.name: 2}
    assert saved.return_count == pytest.approx(64, abs=1)
    assert 200 < saved.cpu_seconds < 200 + 60


def test_each_multiple_is_told_once() -> None:
    pace = Pace(100, now=250)
    told = [pace.is_due(now) for now in (250, 299, 300, 350, 520, 599)]
    assert told == [False, False, True, False, True, False]
