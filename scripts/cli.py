"""The parser that all commands on an experiment share, and `run`, which ends a command."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.config.experiment import Experiment
from agents.jobs.exit import run
from scripts.options import OptionParser
from worldvae.config import parse_overrides

__all__ = ["Parser", "run"]


class Parser(OptionParser):
    """Parses CONFIG, an option for each of its keys, and the command's own options."""

    def __init__(self, description: str | None) -> None:
        super().__init__(description, Experiment, "CONFIG [--key value ...]")
        self.add_argument("config", metavar="CONFIG", type=Path, help="YAML file of an experiment")
        self._short: dict[str, str] = {}

    def shorten(self, key: str, name: str) -> None:
        """Add `--name` as a short form of `--key`."""
        self._short[name] = key
        self.add_argument(f"--{name}", metavar="VALUE", help=f"short for --{key}")

    def parse(self) -> tuple[argparse.Namespace, Experiment]:
        """Return the command's own options, and the experiment with its overrides."""
        options, rest = self.parse_known_args()
        for name, key in self._short.items():
            value = getattr(options, name)
            rest += [] if value is None else [f"--{key}={value}"]
        return options, Experiment.load(options.config, parse_overrides(rest, Experiment))
