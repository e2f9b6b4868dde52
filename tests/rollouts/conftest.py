"""What the tests of rollouts share."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from gymnasium import spaces

from worldvae.rollouts import RolloutStore


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[spaces.Space[Any]], None]:
    """Sets the space in which the episodes of all stores record actions."""
    return partial(monkeypatch.setattr, RolloutStore, "action_space")
