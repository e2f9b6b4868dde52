"""The nominal speed of an environment, as far as it tells one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym


def steps_per_second(env: gym.Env[Any, Any]) -> float | None:
    """Return how many steps of `env` are a second of its world, by `render_fps`; None if unknown.

    ViZDoom tells the rate of its tics, of which a step takes `frame_skip`.
    """
    metadata, own = env.metadata, env.unwrapped
    skipped = getattr(own, "frame_skip", 1) if hasattr(own, "game") else 1
    rate: Any = metadata.get("render_fps") if isinstance(metadata, Mapping) else None
    if not isinstance(rate, int | float) or not math.isfinite(rate) or rate <= 0:
        return None
    return float(rate) / skipped
