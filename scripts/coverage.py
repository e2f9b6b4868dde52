"""Simulate the rule that tells arms apart: python -m scripts.coverage RUN

RUN is the folder of a comparison, or a published one. For each pair of its arms, scores with the
spreads of their seeds are drawn many times: how often the interval holds the true difference, how
often a difference of the size that "could be seen" is found, and how often one is where none is.
"""

from __future__ import annotations

from pathlib import Path

from scripts.cli import run
from scripts.options import CommandParser


def main() -> None:
    parser = CommandParser(
        description=__doc__, prog="python -m scripts.coverage", allow_abbrev=False
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a comparison")
    parser.add_argument("--draws", type=int, default=10_000, help="simulated comparisons")
    parser.add_argument("--resamples", type=int, default=0, help="of the percentile bootstrap")
    options = parser.parse_args()
    from agents.report.coverage import coverage
    from agents.run.published import read_published

    for line in coverage(read_published(options.run), options.draws, options.resamples):
        print(line)


if __name__ == "__main__":
    run(main)
