"""Environments' own names of their choices, as far as they tell any."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

NOTHING = "NOOP"
"""The name of the choice that presses no button."""


def action_names(env: gym.Env[Any, Any]) -> tuple[str, ...]:
    """Return the name of each choice of a Discrete space; none if the environment has no names.

    Atari and `worldvae/Dots` have `get_action_meanings`, MiniGrid an enumeration `actions`, ViZDoom
    the buttons that each choice presses.
    """
    own = env.unwrapped
    space = own.action_space
    if not isinstance(space, spaces.Discrete):
        return ()
    meanings = getattr(own, "get_action_meanings", None)
    if callable(meanings):
        names = tuple(map(str, np.asarray(meanings()).tolist()))
    elif isinstance(actions := getattr(own, "actions", None), type) and issubclass(actions, Enum):
        names = tuple(action.name for action in actions)
    elif hasattr(own, "button_map") and hasattr(own, "game"):
        names = _pressed(own.button_map, own.game.get_available_buttons())
    else:
        names = ()
    return names if len(names) == space.n else ()


def _pressed(button_map: Sequence[Any], buttons: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of the buttons that each choice presses."""
    each = (
        [button.name for button, is_down in zip(buttons, choice, strict=True) if is_down]
        for choice in button_map
    )
    return tuple("+".join(names) or NOTHING for names in each)
