"""Statistics of returns and states come back from an agent's card, or rewards are scaled anew."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from agents.policy.normalization import normalization_of, restore_normalization, saved_units
from agents.run.agent_card import AgentCard
from worldvae.envs import EnvConfig

CARD = AgentCard(
    **{"arm": "state", "algorithm": "PPO", "seed": 0, "stack": 1, "whiten": True},
    **{"env": EnvConfig(id="CartPole-v1"), "encoder": None, "encoder_sha256": None},
)


def scaled() -> VecNormalize:
    return VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")]), norm_obs=False)


def same(one: RunningMeanStd, other: RunningMeanStd) -> None:
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.var, other.var)
    assert one.count == other.count


def test_they_come_back_to_the_bit() -> None:
    draw, env, again, units = np.random.default_rng(0), scaled(), scaled(), RunningMeanStd(shape=3)
    env.ret_rms.update(draw.normal(3, 2, 20))
    units.update(draw.normal([1, 2, 3], [4, 5, 6], (30, 3)))
    update = normalization_of(env, units)
    card = AgentCard.model_validate_json(CARD.model_copy(update=update).model_dump_json())
    restore_normalization(again, card)
    same(again.ret_rms, env.ret_rms)
    found = saved_units(card)
    assert found is not None
    same(found, units)
    found.update(np.ones((5, 3)))  # training goes on with them
    assert found.count == pytest.approx(35, abs=1e-3)


def test_an_agent_that_observes_no_state_keeps_none() -> None:
    card = CARD.model_copy(update=normalization_of(scaled(), None))
    assert saved_units(card) is None
