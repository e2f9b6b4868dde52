"""Observers of the arms, one for each kind of observation, used alike in training and in play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.running_mean_std import RunningMeanStd

from worldvae.envs.actions import action_size, encode_actions
from worldvae.errors import ConfigError
from worldvae.wrappers.latent_observer import FrameEncoder, LatentObserver
from worldvae.wrappers.memory import MemoryEncoder, MemoryObserver
from worldvae.wrappers.observer import NO_INDICES, Moment, Observer, StackedObserver

Floats = NDArray[np.float32]

CLIP = 10.0
"""A standardised state is clipped at this number of deviations from the mean."""

NEGLIGIBLE = 1e-20
"""The weight of the variance of 1 with which running statistics begin, and the least variance.

By the library's own 1e-4 and 1e-8 what is measured in millionths stays far smaller than the rest.
"""

LEAST_DEVIATION_SHARE = 1e-6
"""The least deviation of a state variable, as a share of its mean: float32 rounds constants."""


def state_units(size: int) -> RunningMeanStd:
    """Return statistics of `size` numbers of which nothing is known yet."""
    return RunningMeanStd(NEGLIGIBLE, (size,))


@dataclass(frozen=True)
class ObserverInputs:
    """The values from which observers are made; each kind uses those that it needs."""

    stack: int
    """The number of observations in one stack."""
    actions: spaces.Space[Any]
    """The action space of the policy."""
    encode: FrameEncoder | None = None
    """The frozen encoder of an arm that observes latents."""
    remember: MemoryEncoder | None = None
    """The dynamics of an arm that observes their memory."""
    units: RunningMeanStd | None = None
    """Mean and variance of the stacked true states, (stack S,)."""
    learns: bool = False
    """Whether `units` are updated with every observation, as only training does."""


class StateObserver(StackedObserver):
    """The last true states without frames, standardised by their running mean and deviation."""

    def __init__(self, stack: int, units: RunningMeanStd, learns: bool) -> None:
        self.units, self.learns = units, learns
        super().__init__(stack)

    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        variables = len(self.units.mean) // self.stack
        return spaces.Box(-np.inf, np.inf, (variables,), np.float32)

    def features(self, moment: Moment, episode_start: NDArray[np.bool_]) -> Floats:
        if moment.state is None:
            raise ConfigError(
                "the state arm's agent needs the true state, which this backend does not show; "
                "use env.backend: gymnasium, and an environment with a state reader"
            )
        # Readers report a variable without a present value as NaN.
        return np.nan_to_num(moment.state, nan=0.0).astype(np.float32)

    def begin(self, moment: Moment, episode_start: NDArray[np.bool_]) -> Floats:
        return self._standardised(self._updated(super().begin(moment, episode_start)))

    def step(
        self,
        moment: Moment,
        episode_start: NDArray[np.bool_],
        last: Moment | None = None,
        ended: NDArray[np.intp] = NO_INDICES,
    ) -> tuple[Floats, Floats]:
        stacks, final = super().step(moment, episode_start, last, ended)
        return self._standardised(self._updated(stacks)), self._standardised(final)

    def _updated(self, stacks: Floats) -> Floats:
        if self.learns:
            self.units.update(stacks)
        return stacks

    def _standardised(self, stacks: Floats) -> Floats:
        """Standardise stacks (N, k S) by the running statistics, clipped at CLIP deviations."""
        least = np.square(LEAST_DEVIATION_SHARE * self.units.mean) + NEGLIGIBLE
        scaled = (stacks - self.units.mean) / np.sqrt(np.maximum(self.units.var, least))
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)


class ActionObserver(StackedObserver):
    """The agent's own last actions and nothing else, even if the observation is a Dict."""

    shows_other_keys = False

    def __init__(self, stack: int, actions: spaces.Space[Any]) -> None:
        self._actions = actions
        super().__init__(stack)

    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        return spaces.Box(-np.inf, np.inf, (action_size(self._actions),), np.float32)

    def features(self, moment: Moment, episode_start: NDArray[np.bool_]) -> Floats:
        zeros = np.zeros((len(episode_start), action_size(self._actions)), np.float32)
        if moment.actions is None:
            return zeros
        last = encode_actions(moment.actions, self._actions)
        return np.where(episode_start[:, None], zeros, last)


@dataclass(frozen=True)
class ObservationKind:
    """One kind of observation: how its observer is made, what it needs, and how it is shown."""

    make: Callable[[ObserverInputs], Observer]
    needs_state: bool = False
    """Whether it needs a state reader."""
    is_drawn: bool = True
    """Whether it needs frames from the environment."""
    shows_keys: bool = True
    """Whether the policy also observes the other keys of a Dict observation."""
    panel: str = ""
    """The title of its bars in a film, if it is shown as bars."""
    reach: float = 3.0
    """The value at which a bar has its full length."""


def _latents(inputs: ObserverInputs) -> Observer:
    if inputs.encode is None:
        raise TypeError("latents need an encoder; give the arm's row one")
    return LatentObserver(inputs.encode, inputs.stack)


def _latents_and_memory(inputs: ObserverInputs) -> Observer:
    if inputs.encode is None or inputs.remember is None:
        raise TypeError("memory needs an encoder and dynamics; give the arm's row both")
    return MemoryObserver(inputs.encode, inputs.remember)


def _state(inputs: ObserverInputs) -> Observer:
    if inputs.units is None:
        raise TypeError("the true state needs its units")
    return StateObserver(inputs.stack, inputs.units, inputs.learns)


OBSERVERS: dict[str, ObservationKind] = {
    "frames": ObservationKind(lambda inputs: StackedObserver(inputs.stack)),
    "latents": ObservationKind(_latents, panel="sees its latents"),
    "latents + memory": ObservationKind(_latents_and_memory, panel="latents, memory"),
    "true state": ObservationKind(_state, needs_state=True, is_drawn=False, panel="sees the state"),
    "actions": ObservationKind(
        lambda inputs: ActionObserver(inputs.stack, inputs.actions),
        is_drawn=False,
        shows_keys=ActionObserver.shows_other_keys,
        panel="sees its actions",
        reach=1.0,
    ),
}
"""The values that `Arm.observes` may have -> their kinds of observation."""
