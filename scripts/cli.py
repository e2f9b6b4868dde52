"""The parser that all commands on an experiment share, and `run`, which ends a command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agents.config.experiment import Experiment, Scope
from agents.jobs.exit import run
from agents.run.moved import warn_if_moved
from agents.run.sharing import within
from scripts.options import OptionParser, joined
from worldvae.config import parse_overrides
from worldvae.training.torchrun import check_alone

__all__ = ["Parser", "run"]


class Parser(OptionParser):
    """Parses CONFIG, an option for each of its keys, and the command's own options.

    Args:
        description: What `--help` says of the command.
        is_shared: Whether several processes of torchrun may work together at it.
        scope: What it works on, see `Experiment.within`.
    """

    def __init__(
        self, description: str | None, is_shared: bool = False, scope: Scope = "encoder"
    ) -> None:
        super().__init__(description, Experiment, "CONFIG [--key value ...]")
        self._is_shared, self._scope = is_shared, scope
        self.add_argument("config", metavar="CONFIG", type=Path, help="YAML file of an experiment")
        self._short: dict[str, str] = {}

    def shorten(self, key: str, name: str) -> None:
        """Add `--name` as a short form of `--key`."""
        self._short[name] = key
        self.add_argument(f"--{name}", metavar="VALUE", help=f"short for --{key}")

    def parse(self) -> tuple[argparse.Namespace, Experiment]:
        """Return the command's own options, and the experiment with its overrides.

        Raises ConfigError for a mistake in them, or in one of several processes of torchrun.
        """
        if not self._is_shared:
            check_alone(self.prog)
        options, rest = self.parse_known_args(joined(sys.argv[1:], Experiment))
        for name, key in self._short.items():
            value = getattr(options, name)
            rest += [] if value is None else [f"--{key}={value}"]
        overrides = parse_overrides(rest, Experiment)
        experiment = Experiment.load(options.config, overrides)
        if not {"runs", "name"} & overrides.keys():
            warn_if_moved(options.config, experiment)
        self.names_env, self.names_seed = (key in overrides for key in ("env.id", "seed"))
        env_id = experiment.env.id if self.names_env else None  # an option may name its module
        seed = getattr(options, "seed", experiment.seed)
        return options, within(experiment, self._scope, env_id, seed)
