"""Draw the learning curves of several runs beside each other: python -m scripts.curves RUN RUN ...

RUN is the folder of a comparison, or a published one of docs/results: each has a column. Curves
begin after what each arm was charged; the same learning is drawn over each cost of --over.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.arms.registry import ARMS
from scripts.cli import run
from scripts.option_types import out_in
from scripts.options import CommandParser

COSTS = {"steps": "env_steps", "cpu": "cpu_seconds", "minutes": "seconds"}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = CommandParser(description=__doc__, prog="python -m scripts.curves", allow_abbrev=False)
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="folder of a comparison")
    parser.add_argument(
        "--arms", choices=[*ARMS], nargs="+", default=[], help="what to draw (default: every arm)"
    )
    parser.add_argument(
        "--over",
        choices=[*COSTS],
        nargs="+",
        default=["steps"],
        help="environment steps, CPU minutes, minutes: a row for each (default: steps)",
    )
    parser.add_argument(
        "--out",
        type=out_in(".png"),
        default=Path("curves.png"),
        help="PNG to write (default: curves.png)",
    )
    return parser.parse_args(arguments)


def main() -> None:
    options = parse(sys.argv[1:])
    from agents.report.learning import draw_learning

    costs = [COSTS[name] for name in options.over]
    for line in draw_learning(options.runs, options.arms, costs, options.out):
        print(line)
    print(f"figure: {options.out}")


if __name__ == "__main__":
    run(main)
