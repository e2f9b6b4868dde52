"""Command-line options for every key of a configuration; --help explains them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from worldvae.config import Config
from worldvae.errors import ConfigError
from worldvae.fields import LARGEST_SEED, shortened
from worldvae.keys import describe
from worldvae.rollouts.config import FEWEST_FRAMES


class CommandParser(argparse.ArgumentParser):
    """A parser that raises ConfigError for a mistake on the command line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"command line: {message}; see --help")


class OptionParser(CommandParser):
    """Parses a command's own options, and `--any.key value` for every key of `config`."""

    def __init__(self, description: str | None, config: type[Config], arguments: str) -> None:
        super().__init__(
            description=description,
            epilog=f"keys of CONFIG, each also an option:\n\n{describe(config)}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            usage=f"python -m %(prog)s {arguments}",
            prog=f"scripts.{Path(sys.argv[0]).stem}",
            allow_abbrev=False,
        )


def count(text: str) -> int:
    """Parse how many frames are collected, 100 or more; raises ConfigError for anything else."""
    if not text.isdecimal() or len(text) > 10 or int(text) < FEWEST_FRAMES:
        raise ConfigError(
            f"command line: --frames = {shortened(text)}: expected a number from {FEWEST_FRAMES} on"
        )
    return int(text)


def seed_of(option: str) -> Callable[[str], int]:
    """Return what parses the seed that `option` takes, an integer from 0.

    It raises ConfigError, which names the option, for anything else.
    """

    def parse(text: str) -> int:
        if not text.isdecimal() or len(text) > 20 or int(text) > LARGEST_SEED:
            raise ConfigError(
                f"command line: {option} = {shortened(text)}: expected a number from 0 to "
                f"{LARGEST_SEED}"
            )
        return int(text)

    return parse


seed = seed_of("--seed")


def out_in(ending: str) -> Callable[[str], Path]:
    """Return what parses the file of --out; it raises ConfigError for another ending."""

    def parse(text: str) -> Path:
        if Path(text).suffix != ending:
            raise ConfigError(f"command line: --out {text}: give it a name in {ending}")
        return Path(text)

    return parse
