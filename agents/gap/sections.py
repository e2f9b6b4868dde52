"""The sections of the gap page with figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from agents.gap.gap_file import Agreement, GapReport, Measured, PolicyGap
from agents.gap.wording import number, parts, unranked, with_interval
from worldvae import html
from worldvae.plots import gap as plots
from worldvae.stats import Array
from worldvae.wording import percent

LABELLED = 5
"""Scripted policies that are named in a figure."""


def agreement_section(report: GapReport) -> str:
    """Return the figures and the table of how the worlds agree."""
    returns = [(one.real_return, one.dream_return) for one in report.policies]
    lengths = [(one.real_length, one.dream_length) for one in report.policies]
    blue = "Blue: of kinds that were in the rollouts; grey: of kinds that were not; orange: agents."
    explained = "Bars are 95 % intervals over episodes. On the dashed line the dream is right."
    return html.section(
        "agreement",
        "Dream against reality",
        html.beside(
            html.drawing(
                plots.scatter(*_points(report.policies, returns), "return"),
                "mean return of each policy in the dream over that in reality",
                f"Mean returns of policies. {blue} {explained}",
            ),
            html.drawing(
                plots.scatter(*_points(report.policies, lengths), "decisions"),
                "mean length of each policy's episodes in the dream over that in reality",
                "Mean lengths of episodes: dreams that all end alike lie on a level line.",
            ),
        ),
        _agreement_table(report),
        html.paragraph(
            "Absolute error, rank correlation and regret@1 as in Fu et al. (2021), with percentile "
            "bootstrap intervals over policies, over the real episodes of each and the frames that "
            "dreams begin from; the noise of episodes is in each policy's error already. The last "
            "row is what half of reality's episodes rank like the other half: no dream can be "
            "expected to do much better. A true dream would be off by the error of noise alone; "
            "one that knows nothing of policies but their mean in reality, by the error of that "
            "mean."
        ),
    )


def _agreement_table(report: GapReport) -> str:
    every = {
        "returns": report.returns,
        "lengths": report.lengths,
        "returns, kind in the rollouts": report.collected,
        "returns, kind not in the rollouts": report.not_collected,
    }
    shown = {name: found for name, found in every.items() if found is not None}
    rows: dict[str, Callable[[Agreement], html.Cell]] = {
        "Spearman": _ranks,
        "Absolute error": lambda one: _cell(one.absolute_error),
        "Dream minus reality": lambda one: _cell(one.bias),
        "Regret@1": lambda one: _cell(one.regret),
        "Regret@1, share of the range": lambda one: _cell(one.relative_regret, 2),
        "Error of reality's mean": lambda one: (number(one.error_of_mean), ""),
        "Error of noise": lambda one: (number(one.error_of_noise), ""),
        "Spearman of reality with itself": _ceiling,
    }
    cells = [(title, [show(one) for one in shown.values()]) for title, show in rows.items()]
    return html.table(("", *shown), cells)


def _ranks(found: Agreement) -> html.Cell:
    return _unranked(found) or _cell(found.spearman, 2)


def _ceiling(found: Agreement) -> html.Cell:
    value = number(found.ceiling, 2)
    return (_unranked(found) or (value, "")) if found.ceiling == 0 else (value, "")


def _unranked(found: Agreement) -> html.Cell | None:
    reason = unranked(found)
    return ("n/a", reason) if reason else None


def ranking_section(report: GapReport) -> str:
    """Return the table of every policy, the best in reality first."""
    by_dream = sorted(report.policies, key=lambda one: -one.dream_return.value)
    places = {one.name: place for place, one in enumerate(by_dream, 1)}
    by_real = sorted(report.policies, key=lambda one: -one.real_return.value)
    rows = [(one.name, _row(one, place, places[one.name])) for place, one in enumerate(by_real, 1)]
    header = ("policy", "rank", "rank dreamed", "return", "dreamed", "decisions", "dreamed")
    kinds = sum(one.collected_as is None for one in report.policies)
    return html.section(
        "ranking",
        "Every policy",
        html.paragraph(
            f"{len(report.policies)} policies, {len(report.policies[0].real.returns)} episodes of "
            f"each in each world; {kinds} are of kinds that were not in the rollouts. Small print: "
            "95 % intervals over episodes."
        ),
        html.table(header, rows),
        html.paragraph(f"Not played: {'; '.join(report.skipped)}.") if report.skipped else "",
    )


def _row(one: PolicyGap, place: int, dreamed: int) -> list[html.Cell]:
    kind = "not in the rollouts" if one.collected_as is None else f"like {one.collected_as}"
    return [
        (str(place), kind if one.whose == "scripted" else "agent"),
        (str(dreamed), ""),
        *(_cell(part) for part in (one.real_return, one.dream_return)),
        _cell(one.real_length, cut=one.real.cut_share),
        _cell(one.dream_length, cut=one.dream.cut_share),
    ]


def temperature_section(report: GapReport) -> str:
    """Return what the temperature was chosen by; empty if none was to be chosen."""
    if not report.temperatures:
        return ""
    figure = plots.error_over_temperature(
        np.array([one.temperature for one in report.temperatures]),
        _bounds([one.agreement.absolute_error for one in report.temperatures]),
        report.temperature,
    )
    rows = [
        (
            f"{one.temperature:g}{' (chosen)' if one.temperature == report.temperature else ''}",
            [_cell(one.agreement.absolute_error), _ranks(one.agreement)],
        )
        for one in report.temperatures
    ]
    return html.section(
        "temperature",
        "Temperature",
        html.paragraph(
            f"{report.temperature:g} is the highest temperature within one standard error of the "
            "least absolute error on validation episodes, since noise keeps agents from exploiting "
            "a dream. These have other real seeds, and begin at first frames of other held-out "
            "episodes, than those of all other numbers on this page. Neither these nor an agent's "
            "score chose it."
        ),
        html.beside(
            html.drawing(figure, "error over temperature", "With 95 % intervals; ringed: chosen."),
            html.table(("temperature", "absolute error", "Spearman"), rows),
        ),
    )


def exploitation_section(report: GapReport) -> str:
    """Return the curves of what dreams promised agents in training; empty without any."""
    agents = dict.fromkeys(one.agent for one in report.promises)
    drawings = []
    for agent in agents:
        points = [one for one in report.promises if one.agent == agent]
        figure = plots.return_over_training(
            np.array([one.env_steps for one in points]),
            _bounds([one.real for one in points]),
            _bounds([one.dream for one in points]),
        )
        caption = f"{agent}. At last promised minus real: {with_interval(points[-1].flattery)}."
        drawings.append(html.drawing(figure, f"return of {agent} over its training", caption))
    if not drawings:
        return ""
    header = ("evaluation", "episodes", "promised", "in reality", "promised minus reality")
    rows = [
        (
            f"{one.agent}, {one.env_steps:,} dreamed steps",
            [(str(one.episodes), ""), *map(_cell, (one.dream, one.real, one.flattery))],
        )
        for one in report.promises
    ]
    return html.section(
        "exploitation",
        "Exploitation",
        html.paragraph(
            "What the dream promised an agent while it was trained in it (orange: dreams from "
            "held-out first frames, as long as real episodes may last), and what it got in reality "
            "(blue: its evaluations then), with 95 % intervals over episodes. A gap that widens is "
            "an agent that learns the dream's faults. Agents that dream of other dynamics, and "
            "evaluations of earlier rounds, are not shown."
        ),
        html.beside(*drawings),
        html.details("Every evaluation", html.table(header, rows)),
    )


def _points(
    policies: Sequence[PolicyGap], scores: Sequence[tuple[Measured, Measured]]
) -> tuple[list[plots.ScoredPolicy], list[int]]:
    """Return the points of a scatter, and the numbers of those that are named in it.

    `scores` are those of each policy in reality and in the dream.
    """
    points = [_point(one, *both) for one, both in zip(policies, scores, strict=True)]
    real, dream = np.array([(one.real, one.dream) for one in points]).T
    far = np.argsort(-np.abs(dream - real), kind="stable")
    agents = [number for number, one in enumerate(policies) if one.whose == "agent"]
    wanted = [int(real.argmax()), int(dream.argmax()), int(real.argmin()), *agents, *map(int, far)]
    return points, list(dict.fromkeys(wanted))[: LABELLED + len(agents)]


def _point(one: PolicyGap, real: Measured, dream: Measured) -> plots.ScoredPolicy:
    kind = "agent" if one.whose == "agent" else "collected" if one.collected_as else "new"
    return plots.ScoredPolicy(
        one.name, kind, real.value, (real.low, real.high), dream.value, (dream.low, dream.high)
    )


def _bounds(values: Sequence[Measured]) -> Array:
    """Return values with the lower and the upper end of their intervals: (n, 3)."""
    return np.array([(one.value, one.low, one.high) for one in values])


def _cell(found: Measured, digits: int | None = None, cut: float = 0.0) -> html.Cell:
    value, low, high = parts(found, digits)
    remark = f", {percent(cut)} cut" if cut else ""
    return value, f"{low} to {high}{remark}"
