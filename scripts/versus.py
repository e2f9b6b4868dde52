"""Tell arms of two comparisons apart: python -m scripts.versus RUN:ARM RUN:ARM

RUN is the folder of a comparison, or a published one of docs/results: other algorithms, other
encoders, other days. Both have to be scored in the same environment. Such a pair was never declared
before it was run, so whatever is found is exploratory.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.arms.registry import ARMS
from scripts.cli import run
from scripts.options import CommandParser
from worldvae.errors import ConfigError


def run_and_arm(text: str) -> tuple[Path, str]:
    """Parse RUN:ARM; raises ConfigError for anything else."""
    folder, colon, arm = text.rpartition(":")
    if not colon or not folder or arm not in ARMS:
        raise ConfigError(
            f"command line: {text}: expected RUN:ARM, a folder and one of {', '.join(ARMS)}"
        )
    return Path(folder), arm


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = CommandParser(description=__doc__, prog="python -m scripts.versus", allow_abbrev=False)
    for name in ("first", "second"):
        parser.add_argument(name, metavar="RUN:ARM", type=run_and_arm, help="a run and its arm")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse(sys.argv[1:])
    from agents.report.versus import tell_apart

    for line in tell_apart(options.first, options.second):
        print(line)


if __name__ == "__main__":
    run(main)
