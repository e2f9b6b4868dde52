"""Command-line options for every key of a configuration; --help explains them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from worldvae.config import Config
from worldvae.errors import ConfigError
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
