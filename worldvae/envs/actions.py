"""The action spaces that policies and agents can act in."""

from __future__ import annotations

from typing import Any

from gymnasium import spaces

from worldvae.config import UserError


def check_space(space: spaces.Space[Any]) -> spaces.Box | spaces.Discrete:
    """`space` if it is Discrete or a bounded Box, else UserError."""
    if isinstance(space, spaces.Discrete) or (isinstance(space, spaces.Box) and space.is_bounded()):
        return space
    raise UserError(f"actions must be Discrete or a bounded Box, this environment has {space}")
