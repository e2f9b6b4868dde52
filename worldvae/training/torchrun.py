"""Whether torchrun has started this process, and others like it."""

from __future__ import annotations

import os

from worldvae.errors import ConfigError


def started_processes() -> int:
    """Return how many processes torchrun has started, of which this is one; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def check_alone(command: str) -> None:
    """Raise ConfigError if torchrun has started `command` several times, which all do all of it."""
    if started_processes() > 1:
        raise ConfigError(
            f"{command} does not divide its work among the processes of torchrun, which only "
            "scripts.pretrain does; start it alone"
        )
