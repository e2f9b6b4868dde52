"""Command-line options for every key of a configuration; --help explains them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from worldvae.config import Config
from worldvae.errors import ConfigError
from worldvae.fields import find_field
from worldvae.keys import describe


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


def joined(words: Sequence[str], config: type[Config]) -> list[str]:
    """Return the words of a command line with each key of `config` and its value as one of them.

    Otherwise a parser that knows no keys takes the value of one for CONFIG, if it comes first.
    """
    rest, pairs = iter(words), list[str]()
    for word in rest:
        value = next(rest, None) if _wants_value(word, config) else None
        pairs.append(word if value is None else f"{word}={value}")
    return pairs


def _wants_value(word: str, config: type[Config]) -> bool:
    """Whether `word` is the name of a key alone; no other option has a dot in its name."""
    is_name = word.startswith("--") and "=" not in word
    return is_name and ("." in word or find_field(word[2:], config)[1] is not None)
