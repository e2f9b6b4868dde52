"""How fast an environment says that it is."""

from typing import Any

import gymnasium as gym
import pytest

from worldvae.envs.speed import steps_per_second


class Told(gym.Env[Any, Any]):
    def __init__(self, metadata: Any) -> None:
        self.metadata = metadata


@pytest.mark.parametrize(
    ("metadata", "rate"),
    [
        ({"render_fps": 12}, 12.0),
        ({"render_fps": None}, None),
        ({"render_fps": "fast"}, None),
        ({"render_fps": 0}, None),
        ({"render_fps": float("inf")}, None),
        ({}, None),
        (None, None),
    ],
)
def test_it_is_what_it_tells_or_unknown(metadata: Any, rate: float | None) -> None:
    assert steps_per_second(Told(metadata)) == rate


def test_skipped_frames_of_others_are_in_their_rate_already() -> None:
    """As MuJoCo's, whose render_fps follows from the steps of its physics and how many it skips."""
    env = Told({"render_fps": 20})
    env.frame_skip = 5  # type: ignore[attr-defined]
    assert steps_per_second(env) == 20
