"""The command line: thin doors to the functions of agents/ and worldvae/."""

import os
import sys

# Threads that wait must sleep: with one core busy elsewhere, spinning ones made a batch-1 encode
# take 75 ms in place of 0.85. OpenMP reads this once, when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
# Environments render into arrays; none needs a window or a sound card.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

try:
    import worldvae.envs.frames  # noqa: F401
except ImportError as error:  # told here, in one line, before any command is imported
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(2) from None
