"""The command line: thin doors to the functions of agents/ and worldvae/."""

import os
import signal
import sys


def _interrupted(*_: object) -> None:
    """Ctrl-C while libraries are imported: there is nothing to tidy up."""
    os.write(2, b"interrupted; nothing had begun\n")
    os._exit(128 + signal.SIGINT)


# Of `python -m scripts.NAME` only, until `scripts.cli.run` takes over; not where it is imported.
if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    signal.signal(signal.SIGINT, _interrupted)

# Threads that wait must sleep: with one core busy elsewhere, spinning ones made a batch-1 encode
# take 75 ms in place of 0.85. OpenMP reads this once, when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
# Environments render into arrays; none needs a window or a sound card. Not "dummy" alone, at which
# highway-env draws nothing; that is for where SDL was built without the other.
os.environ.setdefault("SDL_VIDEODRIVER", "offscreen,dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

try:
    import worldvae.envs.frames  # noqa: F401
except ImportError as error:  # told here, in one line, before any command is imported
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(2) from None
