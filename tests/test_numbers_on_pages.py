"""What pages say of published comparisons follows from the scores that lie beside them.

Final scores, their differences, intervals and p are computed anew here, by Welch's formulas and not
by our statistics.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t as student

from agents.report.budgets import UNITS, equal_budget
from agents.run.published import read_published
from agents.run.records import RunArm
from worldvae.stats import Resampling

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
ABLATIONS = RESULTS / "dreams" / "ablations"
TOGETHER = [
    [RESULTS / "atari"],
    [RESULTS / "atari" / "eight"],
    [RESULTS / "one_encoder", RESULTS / "one_encoder" / "rooms"],
]
"""Folders of reports over several environments, those of the same ones together."""
COMPARISONS = sorted(
    path.parent for path in RESULTS.rglob("report.md") if path.parent not in chain(*TOGETHER)
)
PAGES = [ROOT / "README.md", ROOT / "docs" / "dreams.md", *sorted(RESULTS.rglob("README.md"))]
SEEDS_ELSEWHERE = {"atari", "atari/eight"}
"""Folders below which a page shows scores of arms, and not of each seed."""

WITH_P = re.compile(r"(-?[\d.,]+) to (-?[\d.,]+); p ([=<]) ([\d.]+)")
SCORE = re.compile(r"\w+ (-?[\d.,]+ \(-?[\d.,]+ to -?[\d.,]+\))")
ACROSS = [
    ("car_racing/sac:latent", "car_racing/second:pixels"),
    ("car_racing/sac:untrained", "car_racing/second:untrained"),
    ("car_racing/sac_1m:latent", "car_racing/second:pixels"),
]
"""Pairs of runs whose difference at equal budgets a page tells, which no report has."""


def text_of(page: Path) -> str:
    """In one line, without the commas of thousands and the stars of what is bold."""
    return re.sub(r"(?<=\d),(?=\d)|\*\*", "", " ".join(page.read_text().split()))


def page_of(folder: Path) -> Path:
    return next(up / "README.md" for up in (folder, *folder.parents) if (up / "README.md").exists())


@cache
def means(path: Path, arm_column: str = "arm") -> dict[str, NDArray[np.float64]]:
    """Arm -> the mean return of each of its seeds, of a file with a line for each episode."""
    returns: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    with path.open() as lines:
        for line in csv.DictReader(lines):
            returns[line[arm_column]][int(line["seed"])].append(float(line["return"]))
    return {
        arm: np.array([np.mean(seeds[seed]) for seed in sorted(seeds)])
        for arm, seeds in returns.items()
    }


Scores = list[NDArray[np.float64]]
"""Of an arm in each environment, the score of each of its seeds."""


def welch(first: Scores, second: Scores) -> tuple[float, float, float]:
    """Both ends of the 95 % interval of the difference of means over environments, and its p."""
    parts = [seeds for arm in (first, second) for seeds in arm]
    squares = np.array([seeds.var(ddof=1) / len(seeds) / len(first) ** 2 for seeds in parts])
    error = squares.sum() ** 0.5
    free = error**4 / sum(squares**2 / [len(seeds) - 1 for seeds in parts])
    one, other = (np.mean([seeds.mean() for seeds in arm]) for arm in (first, second))
    gap, reach = one - other, student.ppf(0.975, free) * error
    return gap - reach, gap + reach, 2 * student.sf(abs(gap) / error, free)


def pairs() -> Iterator[tuple[Scores, Scores]]:
    """Any two arms that could have been compared."""
    runs = [means(folder / "scores.csv") for folder in COMPARISONS]
    scored = [scores for run in runs for scores in run.values()]
    ablated = [means(ABLATIONS / name, "variant") for name in ("scores.csv", "dynamics.csv")]
    for scores in (scored, *([*variants.values()] for variants in ablated)):
        yield from combinations([[one] for one in scores if len(one) > 2], 2)
    for folders in TOGETHER:
        arms = [arm for folder in folders for arm in normalised(folder / "scores.csv")]
        yield from combinations(arms, 2)
        for left_out in range(len(arms[0])):
            yield from combinations([arm[:left_out] + arm[left_out + 1 :] for arm in arms], 2)


def normalised(path: Path) -> list[Scores]:
    """The scores of each arm, of a file with a line for each seed in each environment."""
    arms: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with path.open() as lines:
        for line in csv.DictReader(lines):
            arms[line["arm"]][line["env"]].append(float(line["normalised"]))
    return [[np.array(seeds) for seeds in envs.values()] for envs in arms.values()]


published = cache(read_published)


def at_equal_budgets() -> Iterator[tuple[float, float, float]]:
    """As `welch` of final scores, of each of `ACROSS`, by the evaluations during training."""
    for one, other in ACROSS:
        (first, arm), (second, against) = (given.split(":") for given in (one, other))
        sides = (
            RunArm(published(RESULTS / first), arm),
            RunArm(published(RESULTS / second), against),
        )
        for unit in UNITS:
            if found := equal_budget(*sides, unit, Resampling.seeded(0)):
                gap = found.difference
                yield gap.low, gap.high, gap.p


def shown(value: float, places: int) -> str:
    return f"{value:.{places}f}"


@cache
def known_intervals() -> dict[tuple[str, str], list[float]]:
    """Both ends as they may be written -> each p of a difference with this interval."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for low, high, p in (*(welch(*pair) for pair in pairs()), *at_equal_budgets()):
        for places in range(3):
            found[shown(low, places), shown(high, places)].append(p)
            found[shown(-high, places), shown(-low, places)].append(p)
    return found


def is_the_p(written: str, sign: str, p: float) -> bool:
    if sign == "<":
        return p < float(written)
    return shown(p, len(written.partition(".")[2])) == written


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_difference_with_a_p_is_that_of_published_scores(page: Path) -> None:
    for low, high, sign, written in WITH_P.findall(text_of(page)):
        known = known_intervals()[low, high]
        assert any(is_the_p(written, sign, p) for p in known), f"{low} to {high}; p {written}"


@pytest.mark.parametrize("folder", COMPARISONS, ids=lambda path: str(path.relative_to(RESULTS)))
def test_a_page_has_the_scores_of_its_report(folder: Path) -> None:
    """Of reports with five seeds: of fewer, pages have means, or each seed."""
    verdict = text_of(folder / "report.md").partition("IQM over n = 5 seeds (95 % interval): ")[2]
    page = text_of(page_of(folder))
    for score in SCORE.findall(verdict.partition(". ")[0]):
        assert score in page


@pytest.mark.parametrize(
    "folder",
    [path for path in COMPARISONS if str(path.parent.relative_to(RESULTS)) not in SEEDS_ELSEWHERE],
    ids=lambda path: str(path.relative_to(RESULTS)),
)
def test_a_page_has_the_score_of_each_seed(folder: Path) -> None:
    page = text_of(page_of(folder))
    for arm, scores in means(folder / "scores.csv").items():
        written = (", ".join(shown(score, places) for score in scores) for places in range(3))
        assert any(seeds in page for seeds in written), arm
