"""The errors that a user can mend; a command prints one as a line and exits with status 2."""

from __future__ import annotations


class WorldvaeError(Exception):
    """One line that names what is wrong and how to mend it.

    The command line prints it without a traceback. A message of several lines, as arrays and
    spaces in it make, is joined to one.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()))


class ConfigError(WorldvaeError):
    """A configuration, an option, an argument or an environment cannot be used as it is."""


class ArtifactError(WorldvaeError):
    """A file or folder cannot be used: it is missing or damaged, another process holds it, the
    system refuses it, or it was made by something else than it is used with.
    """


class TrainingError(WorldvaeError):
    """A training cannot go on: the loss diverged, or an algorithm refuses what it is given."""
