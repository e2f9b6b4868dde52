"""N environments that show no frames: their true state, or nothing but what was done in them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from worldvae.envs.actions import check_space
from worldvae.wrappers.stack import StackedVectorObservation

Floats = NDArray[np.float32]


class StateVectorObservation(StackedVectorObservation):
    """The true state in the place of the frame: (N, stack S) float32, see `known_state`."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        variables: int,
        stack: int = 1,
        image_key: str | None = None,
    ) -> None:
        """`variables`: S, how many a reader tells (`state_variables`)."""
        self._variables = variables
        super().__init__(env, stack, image_key)

    def _feature_space(self) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (self._variables,), np.float32)

    def _features(self, obs: Any, info: dict[str, Any], episode_start: NDArray[np.bool_]) -> Floats:
        return known_state(info["state"])

    def _last_features(
        self, finals: list[Any], ended: NDArray[np.intp], info: dict[str, Any]
    ) -> list[Floats]:
        return list(known_state(info["final_info"]["state"])[ended])


class ActionVectorObservation(StackedVectorObservation):
    """The last `stack` actions and nothing else: (N, stack A) float32, see `encode_actions`."""

    def __init__(self, env: VectorEnv[Any, Any, Any], stack: int = 1) -> None:
        self._acted: Floats = np.zeros((env.num_envs, action_size(env.single_action_space)), "f4")
        super().__init__(env, stack)

    def step(self, actions: Any) -> Any:
        self._acted = encode_actions(actions, self.env.single_action_space)
        return super().step(actions)

    def _feature_space(self) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, self._acted.shape[1:], np.float32)

    def _features(self, obs: Any, info: dict[str, Any], episode_start: NDArray[np.bool_]) -> Floats:
        return np.where(episode_start[:, None], np.float32(0), self._acted)

    def _last_features(
        self, finals: list[Any], ended: NDArray[np.intp], info: dict[str, Any]
    ) -> list[Floats]:
        return list(self._acted[ended])

    def _joined_space(self, space: gym.Space[Any], stack: spaces.Box) -> gym.Space[Any]:
        return stack

    def _join(self, observation: Any, stack: NDArray[Any]) -> Any:
        return stack  # of a Dict, too: whoever is blind sees none of it


def known_state(state: NDArray[np.float64]) -> Floats:
    """(..., S) as a reader tells it -> float32, 0 for what has no value at the moment (NaN)."""
    return np.nan_to_num(state, nan=0.0).astype(np.float32)


def encode_actions(actions: NDArray[Any], space: spaces.Space[Any]) -> Floats:
    """(N, ...) -> (N, A): Box actions as they are, a Discrete one as one of A flags."""
    known = check_space(space)
    if isinstance(known, spaces.Discrete):
        return np.eye(int(known.n), dtype=np.float32)[np.asarray(actions) - known.start]
    return np.asarray(actions, np.float32).reshape(len(actions), -1)


def action_size(space: spaces.Space[Any]) -> int:
    """A of `encode_actions`."""
    known = check_space(space)
    return int(known.n) if isinstance(known, spaces.Discrete) else int(np.prod(known.shape))
