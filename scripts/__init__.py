"""The command line: thin doors to the functions of agents/ and worldvae/."""

import os
import signal
import sys

from agents.jobs.environment import DEFAULTS


def _interrupted(*_: object) -> None:
    """Ctrl-C while libraries are imported: there is nothing to tidy up."""
    os.write(2, b"interrupted; nothing had begun\n")
    os._exit(128 + signal.SIGINT)


# Of `python -m scripts.NAME` only, until `scripts.cli.run` takes over; not where it is imported.
if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    signal.signal(signal.SIGINT, _interrupted)

os.environ.update(DEFAULTS | os.environ)

try:
    import worldvae.envs.frames  # noqa: F401
except ImportError as error:  # told here, in one line, before any command is imported
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(2) from None
