"""What the page knows of actions, and the actions that were recorded."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from agents.explore.contents import ActionFacts
from worldvae.dynamics.actions import PolicyActions
from worldvae.envs import EnvConfig
from worldvae.envs.actions import agent_actions
from worldvae.errors import WorldvaeError
from worldvae.export.interface import interface_of
from worldvae.rollouts import Record, RolloutStore

STEER_THROTTLE = "steer", "throttle"
USUAL_RATE = 15.0
"""Decisions a second of an environment that does not say how fast it is."""


@dataclass(frozen=True)
class ActionNames:
    """The environment's own names of policies' choices or axes, and its speed."""

    names: tuple[str, ...]
    decisions_per_second: float

    @classmethod
    def of(cls, config: EnvConfig) -> ActionNames:
        """Ask the environment itself; one that cannot be made here has no names."""
        try:
            interface = interface_of(config)
        except WorldvaeError:
            return cls((), USUAL_RATE)
        steps = interface.steps_per_second
        rate = USUAL_RATE if steps is None else steps / config.action_repeat
        names = STEER_THROTTLE if config.has_steer_throttle else interface.action_names
        return cls(names, rate)


def action_facts(actions: PolicyActions, names: tuple[str, ...]) -> ActionFacts:
    """Return what the page is told of the actions that dynamics read."""
    return ActionFacts(
        kind="box" if actions.choices is None else "discrete",
        names=names if len(names) == actions.size else (),
        choices=actions.choices or 0,
        low=actions.low,
        high=actions.high,
        whole=actions.whole,
    )


def recorded_actions(
    store: RolloutStore, record: Record, space: gym.Space[object]
) -> NDArray[np.float32]:
    """Return the actions of policies in an episode: (T, 1) choices, or (T, A) numbers."""
    taken = agent_actions(store.arrays(record)["action"], space)
    return np.asarray(taken, np.float32).reshape(len(taken), -1)
