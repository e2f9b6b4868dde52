"""The parser that all commands on an experiment share, and `run`, which ends a command."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import warnings
from pathlib import Path

from agents.config.experiment import Experiment
from agents.jobs.exit import run
from scripts.options import OptionParser, joined
from worldvae.config import parse_overrides
from worldvae.errors import ConfigError
from worldvae.folders import kind_of

__all__ = ["Parser", "run"]


class Parser(OptionParser):
    """Parses CONFIG, an option for each of its keys, and the command's own options.

    Args:
        description: What `--help` says of the command.
        is_shared: Whether several processes of torchrun may work together at it.
    """

    def __init__(self, description: str | None, is_shared: bool = False) -> None:
        super().__init__(description, Experiment, "CONFIG [--key value ...]")
        self._is_shared = is_shared
        self.add_argument("config", metavar="CONFIG", type=Path, help="YAML file of an experiment")
        self._short: dict[str, str] = {}

    def shorten(self, key: str, name: str) -> None:
        """Add `--name` as a short form of `--key`."""
        self._short[name] = key
        self.add_argument(f"--{name}", metavar="VALUE", help=f"short for --{key}")

    def parse(self) -> tuple[argparse.Namespace, Experiment]:
        """Return the command's own options, and the experiment with its overrides.

        Raises ConfigError for a mistake in them, and in one of several processes of torchrun.
        """
        if not self._is_shared and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise ConfigError(
                f"{self.prog} does not divide its work among the processes of torchrun, which only "
                "scripts.pretrain does; start it alone"
            )
        options, rest = self.parse_known_args(joined(sys.argv[1:], Experiment))
        for name, key in self._short.items():
            value = getattr(options, name)
            rest += [] if value is None else [f"--{key}={value}"]
        overrides = parse_overrides(rest, Experiment)
        experiment = Experiment.load(options.config, overrides)
        if not {"runs", "name"} & overrides.keys():
            warn_if_moved(options.config, experiment)
        return options, experiment


def warn_if_moved(config: Path, experiment: Experiment) -> None:
    """Warn if the file `config` lies in the folder of a run, and names another folder as its run.

    It names the one that it was written to, where all that was moved would be made again.
    """
    here = config.resolve().parent
    if experiment.folder.resolve() != here and kind_of(here) == "run":
        warnings.warn(
            f"{config}: names {experiment.folder} as its run, so that one is used and this is left "
            f"alone; for the run here add --runs {shlex.quote(str(here.parent))} --name "
            f"{shlex.quote(here.name)}",
            stacklevel=2,
        )
