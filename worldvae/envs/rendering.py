"""Whether `render()` of an environment made here shows anything."""

from __future__ import annotations

import gymnasium as gym


def is_shown(render_mode: str | None, remedy: str) -> bool:
    """Return whether there is a render mode; warn as Gymnasium's own environments do if not.

    `remedy` says how the environment is made with one.
    """
    if render_mode is None:
        gym.logger.warn(f"render() shows nothing without a render_mode; {remedy}")
    return render_mode is not None
