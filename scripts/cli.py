"""What every command shares: CONFIG and its overrides, --help, and errors of one line."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from agents.allocator import keep_freed_memory
from agents.experiment import Experiment
from agents.provenance import exact_command
from scripts.options import OptionParser
from worldvae.config import UserError, parse_overrides


class Parser(OptionParser):
    """The options of a command on an experiment: CONFIG and its keys."""

    def __init__(self, description: str | None) -> None:
        super().__init__(description, Experiment, "CONFIG [--key value ...]")
        self.add_argument("config", metavar="CONFIG", type=Path, help="YAML file of an experiment")
        self._short: dict[str, str] = {}

    def shorten(self, key: str, name: str) -> None:
        """Let `--name` stand for `--key`."""
        self._short[name] = key
        self.add_argument(f"--{name}", metavar="VALUE", help=f"short for --{key}")

    def parse(self) -> tuple[argparse.Namespace, Experiment]:
        """The command's own options, and the experiment with its overrides."""
        options, rest = self.parse_known_args()
        for name, key in self._short.items():
            value = getattr(options, name)
            rest += [] if value is None else [f"--{key}={value}"]
        return options, Experiment.load(options.config, parse_overrides(rest))


def run(command: Callable[[], None]) -> None:
    """Call `command`; a user's mistake is one line and status 2, Ctrl-C status 130."""
    keep_freed_memory()
    warnings.formatwarning = lambda message, *_args, **_kwargs: f"warning: {message}\n"
    try:
        command()
    except UserError as error:
        sys.exit(_fail(f"error: {error}", 2))
    except KeyboardInterrupt:
        sys.exit(_fail(f"interrupted; to go on from here: {exact_command()}", 130))


def _fail(line: str, status: int) -> int:
    print(line, file=sys.stderr)
    return status
