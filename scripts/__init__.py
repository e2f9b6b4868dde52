"""The command line: thin entry points to the functions of agents/ and worldvae/."""

import os
import signal
import sys

from agents.jobs.environment import DEFAULTS


def _interrupted(*_: object) -> None:
    """Handle Ctrl-C while libraries are imported, when nothing has to be tidied up."""
    os.write(2, b"interrupted; nothing had begun\n")
    os._exit(128 + signal.SIGINT)


# Only for `python -m scripts.NAME`, until `scripts.cli.run` takes over; not for a mere import.
if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    signal.signal(signal.SIGINT, _interrupted)

os.environ.update(DEFAULTS | os.environ)

try:
    import worldvae.envs.frames  # noqa: F401
except ImportError as error:  # one line here, before any command is imported
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(2) from None
