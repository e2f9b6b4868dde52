"""Copies running statistics of returns and true states to and from an agent's card."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from agents.run.agent_card import AgentCard


def normalization_of(env: VecNormalize | None, units: RunningMeanStd | None) -> dict[str, Any]:
    """Return the entries of a card for the returns in `env` and the true states in `units`."""
    if env is None:
        raise TypeError("rewards are scaled by a VecNormalize; this environment has none")
    returns = env.ret_rms
    statistics: dict[str, Any] = {
        "return_mean": float(returns.mean),
        "return_var": float(returns.var),
        "return_count": float(returns.count),
    }
    if units is not None:
        statistics["state_mean"] = tuple(units.mean.tolist())
        statistics["state_var"] = tuple(units.var.tolist())
        statistics["state_count"] = float(units.count)
    return statistics


def restore_normalization(env: VecNormalize, card: AgentCard) -> None:
    """Set the statistics of returns in `env` to those in `card`."""
    env.ret_rms.mean, env.ret_rms.var = np.array(card.return_mean), np.array(card.return_var)
    env.ret_rms.count = card.return_count


def saved_units(card: AgentCard) -> RunningMeanStd | None:
    """Return mean and variance of the true states in `card`; None if it has none."""
    if not card.state_mean:
        return None
    units = RunningMeanStd(shape=(len(card.state_mean),))
    units.mean, units.var = np.array(card.state_mean), np.array(card.state_var)
    units.count = card.state_count
    return units
