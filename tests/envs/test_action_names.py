"""Environments' own names of their choices, from wherever they tell them."""

from __future__ import annotations

from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from worldvae.envs.action_names import action_names


class Choosing(gym.Env[Any, Any]):
    observation_space = spaces.Box(0, 1, (1,))

    def __init__(self, choices: int, **told: Any) -> None:
        self.action_space: Any = spaces.Discrete(choices)
        vars(self).update(told)


class Moves(IntEnum):
    left = 0
    forward = 1


def test_dots_and_atari_have_meanings() -> None:
    dots = gym.make("worldvae/Dots-v0")
    assert action_names(dots) == ("STAY", "LEFT", "RIGHT", "UP", "DOWN")
    assert action_names(gym.make("worldvae/Dots-v0", continuous=True)) == ()


def test_minigrid_has_an_enumeration() -> None:
    assert action_names(Choosing(2, actions=Moves)) == ("left", "forward")


def test_vizdoom_has_buttons() -> None:
    buttons = [SimpleNamespace(name="MOVE_LEFT"), SimpleNamespace(name="ATTACK")]
    game = SimpleNamespace(get_available_buttons=lambda: buttons)
    pressed = [np.array(each) for each in ((0, 0), (1, 0), (1, 1))]
    named = action_names(Choosing(3, game=game, button_map=pressed))
    assert named == ("NOOP", "MOVE_LEFT", "MOVE_LEFT+ATTACK")


@pytest.mark.parametrize("told", [{}, {"get_action_meanings": lambda: ["ONE"]}, {"actions": 3}])
def test_others_have_none(told: dict[str, Any]) -> None:
    assert action_names(Choosing(2, **told)) == ()
