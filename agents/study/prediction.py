"""Which number of the health check predicts the return of agents on an encoder's latents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.config.sections import StudyConfig
from worldvae.diagnostics.config import HealthNumber
from worldvae.diagnostics.numbers import NUMBERS, NumberOfHealth
from worldvae.diagnostics.rules.evidence import Health
from worldvae.markdown import table
from worldvae.plots.png import save_png
from worldvae.plots.scatter import ScatterPanel, scatter_panels
from worldvae.stats import Array, Estimate, Resampling, rank_correlation, seed_agreement
from worldvae.stats.correlation import FEWEST_RANKED

FIGURE = "returns.png"
PICTURED = 12
"""The numbers in the figure: those declared, then the most strongly correlated."""
RESAMPLES = 4_000
LATE = "Declared in study.primary when returns could be ranked, and so exploratory: "
WAYS = {1: "higher", -1: "lower", 0: ""}
"""`NumberOfHealth.better` in words."""


@dataclass(frozen=True)
class ScoredEncoder:
    """One encoder: its health, and the returns of the agents on it."""

    encoder: str
    seed: int
    health: Health
    returns: Mapping[int, float]
    """Agent seed -> mean return of the evaluation; without agents that did not finish."""

    @property
    def scores(self) -> Array:
        """The returns of its agents, (S,)."""
        return np.array([*self.returns.values()], dtype=np.float64)


@dataclass(frozen=True)
class ReturnPredictor:
    """How one number of the health check orders encoders, against the return of their agents."""

    name: HealthNumber
    found: Estimate
    """Spearman's rank correlation; its n is the number of encoders, all seeds of one being one."""
    is_primary: bool
    """Whether it was declared before the study."""
    is_constant: bool
    """Whether it is the same for all encoders, so that it orders none."""

    @property
    def number(self) -> NumberOfHealth:
        return NUMBERS[self.name]

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.found.low > 0 or self.found.high < 0


def predictions(encoders: Sequence[ScoredEncoder], settings: StudyConfig) -> list[ReturnPredictor]:
    """Return a prediction for each number that enough encoders have; the strongest first."""
    found = []
    for name in NUMBERS:
        known = _known(encoders, name)
        if can_be_ranked([one for one, _ in known]):
            names, (numbers, scores) = [one.encoder for one, _ in known], _pairs(known)
            correlation = rank_correlation(numbers, scores, _resampling(), names)
            is_constant = len(set(numbers)) == 1
            found.append(ReturnPredictor(name, correlation, name in settings.primary, is_constant))
    return sorted(found, key=lambda one: (not one.is_primary, -abs(one.found.value)))


def _resampling() -> Resampling:
    return Resampling.seeded(0, resamples=RESAMPLES)


def _known(
    encoders: Sequence[ScoredEncoder], name: HealthNumber
) -> list[tuple[ScoredEncoder, float]]:
    """Return the encoders that have the number and an agent that finished, each with the number."""
    read = [(one, NUMBERS[name].of(one.health)) for one in encoders if one.returns]
    return [(one, float(number)) for one, number in read if number is not None]


def _pairs(known: Sequence[tuple[ScoredEncoder, float]]) -> tuple[list[float], list[Array]]:
    """Return the number of each encoder, and its agents' returns."""
    return [number for _, number in known], [one.scores for one, _ in known]


def _finished(encoders: Sequence[ScoredEncoder]) -> int:
    """Return of how many encoders an agent has finished, all seeds of one being one."""
    return len({one.encoder for one in encoders if one.returns})


def draw(folder: Path, encoders: Sequence[ScoredEncoder], found: Sequence[ReturnPredictor]) -> Path:
    """Write the figure, the returns over each of the numbers that are pictured; return its path."""
    panels = []
    for one in found[:PICTURED]:
        numbers, scores = _pairs(_known(encoders, one.name))
        title = f"{one.number.title}: {one.found.value:.2f}"
        panels.append(ScatterPanel(title, np.array(numbers), scores))
    path = folder / FIGURE
    save_png(scatter_panels(panels, "return"), path)
    return path


def rows(encoders: Sequence[ScoredEncoder]) -> Iterator[tuple[str, int, str, float]]:
    """Yield every number and return: encoder, seed, metric, value."""
    for one in encoders:
        for name, number in NUMBERS.items():
            value = number.of(one.health)
            if value is not None:
                yield one.encoder, one.seed, f"health.{name}", float(value)
        for seed, value in one.returns.items():
            yield one.encoder, one.seed, f"return.agent_{seed}", value


def can_be_ranked(encoders: Sequence[ScoredEncoder]) -> bool:
    """Return whether agents of so many encoders have finished that their returns are ranked."""
    return _finished(encoders) >= FEWEST_RANKED


def section(
    encoders: Sequence[ScoredEncoder],
    found: Sequence[ReturnPredictor],
    settings: StudyConfig,
    late: Sequence[HealthNumber] = (),
) -> str:
    """Return what the health check predicts of the return, as Markdown.

    `late` are numbers that were declared when returns were known.
    """
    return "\n".join(
        [
            "## Which number of the health check predicts the return\n",
            f"Agents of the arm {settings.arm} on each encoder; the return is the mean over "
            "evaluation episodes.\n",
            _table_of_returns(encoders),
            *(_found(encoders, found) if found else [_too_few(encoders)]),
            *[f"{LATE}{', '.join(NUMBERS[name].title for name in late)}.\n"] * bool(late),
        ]
    )


def _table_of_returns(encoders: Sequence[ScoredEncoder]) -> str:
    lines = []
    order = sorted(encoders, key=lambda one: -one.scores.mean() if one.returns else np.inf)
    for one in order:
        mean = f"{one.scores.mean():.4g}" if one.returns else "none"
        each = ", ".join(f"{value:.4g}" for value in one.returns.values())
        lines.append([one.encoder, f"{one.seed}", one.health.verdict, mean, each])
    return table(("encoder", "seed", "verdict", "mean return", "of each agent"), lines) + "\n"


def _too_few(encoders: Sequence[ScoredEncoder]) -> str:
    count = _finished(encoders)
    return f"Agents of {count} encoders finished: too few to rank, which takes {FEWEST_RANKED}.\n"


def _found(encoders: Sequence[ScoredEncoder], found: Sequence[ReturnPredictor]) -> Iterator[str]:
    yield (
        "Spearman's rank correlation of each number with the mean return, with its 95 % bootstrap "
        "interval: encoders are resampled, of each its seeds, and of each of these its agents. n "
        "counts encoders; those that differ in their seed alone are one, by their mean.\n"
    )
    yield table(("number", "which is", "better", "Spearman", "n", ""), map(_row, found)) + "\n"
    yield from _readings(encoders, found)


def _row(one: ReturnPredictor) -> tuple[str, ...]:
    value, number = one.found, one.number
    interval = f"{value.value:z.2f} [{value.low:z.2f}, {value.high:z.2f}]"
    interval = "the same for all" if one.is_constant else interval
    kind = "declared" if one.is_primary else "exploratory"
    way = WAYS[number.better]
    return number.title, number.meaning, way, interval, f"{value.n}", kind


def _readings(encoders: Sequence[ScoredEncoder], found: Sequence[ReturnPredictor]) -> Iterator[str]:
    """Yield how the table has to be read."""
    exploratory = [one for one in found if not one.is_primary and not one.is_constant]
    if exploratory:
        yield (
            f"{len(exploratory)} numbers that vary were not declared before the study "
            "(`study.primary`), so they are exploratory: about one interval in twenty leaves out 0 "
            f"by chance, and {sum(one.is_shown for one in exploratory)} do. The numbers are not "
            "independent.\n"
        )
    against = [one.number.title for one in found if _is_against(one)]
    if against:
        yield f"Against the advice of the check (interval): {', '.join(against)}.\n"
    agreement = seed_agreement([one.scores for one in encoders if one.returns])
    if not np.isnan(agreement):
        yield (
            f"Two agents that differ in their seed rank the encoders with Spearman {agreement:.2f}"
            ".\n"
        )


def _is_against(one: ReturnPredictor) -> bool:
    """Return whether the interval shows the way that the check takes for worse."""
    return one.is_shown and one.found.value * one.number.better < 0
