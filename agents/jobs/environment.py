"""Environment variables of every working process, read by libraries when they are imported."""

from __future__ import annotations

DEFAULTS = {
    # Waiting threads must sleep: with one core busy, spinning ones made a batch-1 encode take
    # 75 ms instead of 0.85. OpenMP reads this once, when torch is imported.
    "OMP_WAIT_POLICY": "passive",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    # Environments render into arrays; none needs a window or a sound card. With "dummy" alone
    # highway-env draws nothing; it is for builds of SDL without "offscreen".
    "SDL_VIDEODRIVER": "offscreen,dummy",
    "SDL_AUDIODRIVER": "dummy",
}
"""Variable -> its value where the user has set none."""
