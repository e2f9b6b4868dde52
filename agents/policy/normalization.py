"""What a training has learned of returns and of the true state, to and from an agent's card."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from agents.run.agent_card import AgentCard


def normalization_of(env: VecNormalize | None, units: RunningMeanStd | None) -> dict[str, Any]:
    """For a card: what `env` has learned of returns, and `units` of the true state."""
    if env is None:
        raise TypeError("rewards are scaled by a VecNormalize; this environment has none")
    returns = env.ret_rms
    learned: dict[str, Any] = {
        "return_mean": float(returns.mean),
        "return_var": float(returns.var),
        "return_count": float(returns.count),
    }
    if units is not None:
        learned["state_mean"] = tuple(units.mean.tolist())
        learned["state_var"] = tuple(units.var.tolist())
        learned["state_count"] = float(units.count)
    return learned


def restore_normalization(env: VecNormalize, card: AgentCard) -> None:
    """Give `env` what `card` has saved of returns."""
    env.ret_rms.mean, env.ret_rms.var = np.array(card.return_mean), np.array(card.return_var)
    env.ret_rms.count = card.return_count


def saved_units(card: AgentCard) -> RunningMeanStd | None:
    """Mean and variance of the true states that the agent observed; None if it observed none."""
    if not card.state_mean:
        return None
    units = RunningMeanStd(shape=(len(card.state_mean),))
    units.mean, units.var = np.array(card.state_mean), np.array(card.state_var)
    units.count = card.state_count
    return units
