"""Makes Stable-Baselines3's models from the configuration, alike for every arm."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import NatureCNN
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from agents.config.agent import ALGORITHMS, AgentConfig, AlgorithmName, algorithm_class
from agents.config.algorithm_arguments import library_errors
from agents.policy.replay import replay_arguments
from worldvae.errors import TrainingError
from worldvae.wording import percent


def make_model(
    config: AgentConfig,
    env: VecEnv,
    seed: int,
    device: str,
    first_layers: dict[str, Any] | None = None,
) -> BaseAlgorithm:
    """Return a new model with the stock policy for the observation space of `env`.

    Args:
        first_layers: Arguments of the policy that replace its first layers.

    Raises TrainingError if the algorithm does not support the spaces of `env`.
    """
    _check_actions(config.algorithm, env.action_space)
    make: Callable[..., BaseAlgorithm] = algorithm_class(config.algorithm)
    with library_errors(config.algorithm):
        try:
            return make(
                policy_for(config.algorithm, env.observation_space),
                env,
                learning_rate=learning_rate(config),
                gamma=config.gamma,
                policy_kwargs={
                    **stock_layers(config.algorithm, env.observation_space),
                    **config.policy_arguments,
                    **(first_layers or {}),
                },
                seed=seed,
                device=device,
                **{**config.arguments, **replay_arguments(config, env.observation_space)},
            )
        except (AssertionError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise TrainingError(f"agent.algorithm = {config.algorithm!r}: {reason}") from None


def try_spaces(
    config: AgentConfig, observations: spaces.Space[Any], actions: spaces.Space[Any]
) -> None:
    """Make a model for spaces and drop it.

    Raises TrainingError, as `make_model` does, if the algorithm or its settings do not fit them.
    """
    env = DummyVecEnv([partial(_Spaces, observations, actions)] * config.num_envs)
    make_model(config, env, seed=0, device="cpu")


UNIT = (-1.0, 1.0)
"""The bounds of actions for which exploration by a standard deviation is made."""

LEAST_REACHED, LEAST_WITHIN = 0.4, 0.25
"""Shares of a number's range that is within three deviations, and of draws that are in its bounds.

CarRacing's gas from 0 to 1 and MuJoCo's joints from -0.4 to 0.4 have more of both.
"""


class _Spaces(gym.Env[Any, Any]):
    """Has spaces and is never played."""

    def __init__(self, observations: spaces.Space[Any], actions: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = observations, actions


def _check_actions(algorithm: AlgorithmName, space: spaces.Space[Any]) -> None:
    kind = type(space).__name__
    if kind not in ALGORITHMS[algorithm].actions:
        *others, last = [name for name, row in ALGORITHMS.items() if kind in row.actions]
        raise TrainingError(
            f"agent.algorithm = {algorithm!r}: it cannot choose from this environment's actions, "
            f"{space}; use {', '.join(others)} or {last}"
        )
    if ALGORITHMS[algorithm].replays and isinstance(space, spaces.Box):
        fixed = np.flatnonzero(space.low == space.high).tolist()
        if fixed:  # they divide by the range of each number
            raise TrainingError(
                f"agent.algorithm = {algorithm!r}: it cannot choose an action's number that may "
                f"have one value alone, here {', '.join(map(str, fixed))} of {space}; leave it out "
                "(gymnasium.wrappers.TransformAction), or use PPO"
            )


def unscaled_actions(config: AgentConfig, space: spaces.Space[Any]) -> str | None:
    """Return, in words, the first number of actions that is hardly explored; None if there is none.

    Policies that explore by a standard deviation begin around 0, in the environment's own units,
    and their library clips what leaves the bounds; the others scale bounds to [-1, 1].
    """
    if not (ALGORITHMS[config.algorithm].explores_by_std and isinstance(space, spaces.Box)):
        return None
    noise = NormalDist(sigma=math.exp(config.log_std_init))
    for axis, (low, high) in enumerate(zip(space.low.tolist(), space.high.tolist(), strict=True)):
        if (low, high) == UNIT or low == high:
            continue
        far = 3 * noise.stdev
        reached = max(0.0, min(high, far) - max(low, -far)) / (high - low)
        within = noise.cdf(high) - noise.cdf(low)
        if reached < LEAST_REACHED or within < LEAST_WITHIN:
            return (
                f"{config.algorithm} begins with actions around 0 with a deviation of "
                f"{noise.stdev:.2g} (agent.log_std_init), of which {percent(within)} lie within "
                f"number {axis} of its actions, from {low:g} to {high:g}, and reach "
                f"{percent(reached)} of it"
            )
    return None


def policy_for(algorithm: AlgorithmName, space: spaces.Space[Any]) -> str:
    """Return Stable-Baselines3's name of the policy for observations of `space`."""
    recurrent = "Lstm" if ALGORITHMS[algorithm].recurrent else ""
    if ALGORITHMS[algorithm].has_one_policy:
        return "MlpPolicy"
    if isinstance(space, spaces.Dict):
        return f"MultiInput{recurrent}Policy"
    return f"Cnn{recurrent}Policy" if space.dtype == "uint8" else f"Mlp{recurrent}Policy"


def stock_layers(algorithm: AlgorithmName, space: spaces.Space[Any]) -> dict[str, Any]:
    """Return the first layers for images, as arguments of an algorithm's only policy.

    They are those of the other algorithms' CnnPolicy. Raises ValueError for Dict observations if
    the algorithm has no policy for them.
    """
    if not ALGORITHMS[algorithm].has_one_policy:
        return {}
    if isinstance(space, spaces.Dict):
        raise ValueError(
            f"{algorithm} of sb3-contrib learns from no Dict observations ({', '.join(space)}); "
            "use SAC or TQC, or wrap the environment to show the image alone"
        )
    return {"features_extractor_class": NatureCNN} if space.dtype == "uint8" else {}


def learning_rate(config: AgentConfig) -> float | LinearSchedule:
    """Return a number, or a schedule that falls to 5 % over the training.

    The agent's zip contains the schedule, so it is a class of Stable-Baselines3 and not of
    worldvae.
    """
    if config.schedule == "constant":
        return config.learning_rate
    return LinearSchedule(config.learning_rate, 0.05 * config.learning_rate, end_fraction=0.95)
