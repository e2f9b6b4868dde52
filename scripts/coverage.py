"""Simulate the rule that tells arms apart: python -m scripts.coverage RUN

RUN is the folder of a comparison, or a published one. For each pair of its arms, scores with the
spreads of their seeds are drawn many times: how often the interval holds the true difference, how
often a difference of the size that "could be seen" is found, and how often one is where none is.
"""

from __future__ import annotations

from itertools import combinations
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
    import numpy as np

    from agents.run.published import read_published
    from worldvae.stats import LAWS, Resampling, difference, simulate

    found = read_published(options.run)
    scores = {arm: [r.score for r in found.finished(arm).values()] for arm in found.arms}
    several = [arm for arm in scores if len(scores[arm]) > 1]
    print("first,second,seeds,law,coverage,percentile,seen,found,found_of_none")
    for first, second in combinations(several, 2):
        a, b = scores[first], scores[second]
        seen = difference(a, b, Resampling.seeded(0)).detectable
        spreads = float(np.std(a, ddof=1)), float(np.std(b, ddof=1))
        for seeds in (3, 5, 10):
            for law in LAWS:
                draws = np.random.default_rng(0)
                given = (draws, options.draws, LAWS[law])
                true = simulate(spreads, seeds, seen, *given, options.resamples)
                none = simulate(spreads, seeds, 0.0, *given)
                other = true.percentile_coverage
                print(
                    f"{first},{second},{seeds},{law},{true.coverage:.3f},"
                    f"{'' if other is None else f'{other:.3f}'},{seen:.3g},"
                    f"{true.found:.3f},{1 - none.coverage:.3f}"
                )


if __name__ == "__main__":
    run(main)
