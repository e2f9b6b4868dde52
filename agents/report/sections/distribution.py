"""The section on the distribution of scores, and how often one arm's run beats another's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agents.arms.registry import colours
from agents.report.normalised import NormalisedComparison
from agents.report.summary import Summary
from agents.report.tables.arms import normalised_table
from agents.run.records import ENOUGH_SEEDS
from worldvae import html
from worldvae.plots.comparison import improvement_probabilities, performance_profiles
from worldvae.plots.learning import BAND_FROM
from worldvae.stats import Array, Estimate, Profile, Resampling, performance_profile

THRESHOLDS = 301

Tasks = Mapping[str, Array]
"""Environment -> the scores of its seeds, (S_m,)."""


def distribution(summary: Summary, resampling: Resampling) -> str:
    """Return the section for one environment: on normalised scores if possible, else on returns."""
    if summary.normalised:
        return normalised_distribution(summary.normalised, resampling)
    chances = {(pair.first, pair.second): pair.probability for pair in summary.pairs}
    tasks = {arm.arm: {"": arm.values} for arm in summary.arms}
    return _section(tasks, chances, "return", resampling)


def normalised_distribution(normalised: NormalisedComparison, resampling: Resampling) -> str:
    """Return the section on normalised scores of all environments, with their aggregates."""
    chances = {(pair.first, pair.second): pair.probability for pair in normalised.pairs}
    tasks = {arm.arm: arm.tasks for arm in normalised.arms}
    return _section(tasks, chances, "normalised score", resampling) + _aggregates(normalised)


def _aggregates(normalised: NormalisedComparison) -> str:
    """Return the section with the aggregates of normalised scores."""
    environments = ", ".join(normalised.arms[0].scores)
    text = (
        f"A score of 0 is that of random actions, 1 that of the reference: {environments}. "
        "Median: over environments, of the means over seeds. Optimality gap: how far below 1 runs "
        "are on average, those above it counted as 1."
    )
    return html.section(
        "normalised",
        "Normalised scores",
        html.paragraph(text),
        html.table(*normalised_table(normalised), kind="arms"),
    )


def _section(
    arms: Mapping[str, Tasks],
    chances: Mapping[tuple[str, str], Estimate],
    x_label: str,
    resampling: Resampling,
) -> str:
    enough = {
        arm: tasks
        for arm, tasks in arms.items()
        if min(len(scores) for scores in tasks.values()) >= BAND_FROM
    }
    drawings = [
        *([_profile_figure(_profiles(enough, resampling), x_label)] if enough else []),
        *([_chance_figure(chances)] if chances else []),
    ]
    if not drawings:
        return ""
    return html.section("distribution", "How the runs compare", html.beside(*drawings))


def _profiles(arms: Mapping[str, Tasks], resampling: Resampling) -> dict[str, Profile]:
    scores = np.concatenate([values for tasks in arms.values() for values in tasks.values()])
    margin = 0.04 * np.ptp(scores) or 1.0
    taus = np.linspace(scores.min() - margin, scores.max() + margin, THRESHOLDS)
    return {arm: performance_profile(tasks, taus, resampling) for arm, tasks in arms.items()}


def _profile_figure(profiles: Mapping[str, Profile], x_label: str) -> str:
    names = ", ".join(profiles)
    return html.drawing(
        performance_profiles(profiles, x_label, colours()),
        f"Share of runs above each {x_label}, by arm: {names}",
        f"Performance profile: how many of an arm's seeds end above each {x_label}. A line further "
        "right is higher scores; where lines cross, neither arm is above throughout. The dot is "
        f"the median; band: 95 % interval over seeds at each point, from {BAND_FROM} seeds on.",
    )


def _chance_figure(chances: Mapping[tuple[str, str], Estimate]) -> str:
    text = ", ".join(
        f"{first} over {second} {estimate.value:.2f}"
        for (first, second), estimate in chances.items()
    )
    return html.drawing(
        improvement_probabilities(chances, colours()),
        f"Probability of improvement: {text}",
        "The chance that a random seed of the first arm scores higher than one of the second, with "
        "its 95 % interval; at the dashed line, 0.5, neither does. Pairs with "
        f"{ENOUGH_SEEDS} seeds or more of each.",
    )
