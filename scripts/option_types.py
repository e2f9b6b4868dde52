"""Parses the values of options that are no key of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from worldvae.errors import ConfigError
from worldvae.fields import LARGEST_SEED, shortened
from worldvae.rollouts.config import FEWEST_FRAMES


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


seed, episode = seed_of("--seed"), seed_of("--episode")


def out_in(ending: str) -> Callable[[str], Path]:
    """Return what parses the file of --out; it raises ConfigError for another ending."""

    def parse(text: str) -> Path:
        if Path(text).suffix != ending:
            raise ConfigError(f"command line: --out {text}: give it a name in {ending}")
        return Path(text)

    return parse
