"""The sections of the fidelity page on calibration: ends, rewards, spread, temperature."""

from __future__ import annotations

import numpy as np

from worldvae import html
from worldvae.diagnostics.fidelity.metrics.reward import RewardCalibration
from worldvae.diagnostics.fidelity.page.loops import TABLED, band
from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence
from worldvae.diagnostics.fidelity.rules.words import (
    at,
    between,
    decisions,
    percent,
    reward_digits,
    share,
    sum_digits,
)
from worldvae.plots import dynamics as dynamics_plots


def ends(evidence: FidelityEvidence) -> str:
    """Return the section on ends."""
    found = evidence.ends
    survival = dynamics_plots.survival(
        band(found.real, found.horizons), band(found.dreamed, found.horizons), "How many go on"
    )
    reliability = dynamics_plots.reliability(
        np.array([each.predicted for each in found.bins]),
        np.array([each.true for each in found.bins]),
        np.array([each.decisions for each in found.bins]),
        "How often predicted ends come true",
    )
    return html.section(
        "ends",
        "Ends",
        html.paragraph(_end_words(evidence)),
        html.beside(
            html.drawing(
                survival,
                "Share of episodes and of dreams that go on, by decisions after the start",
                "From the same starts under the same actions; episodes that were truncated count "
                "as far as they went (Kaplan & Meier, 1958).",
            ),
            html.drawing(
                reliability,
                "True rate of ends over the predicted probability",
                "One step ahead of the real past. On the dashed line ends come as often as they "
                "are said to; a larger dot stands for more decisions.",
            ),
        ),
    )


def _end_words(evidence: FidelityEvidence) -> str:
    found = evidence.ends
    last = len(found.horizons) - 1
    if not found.ends:
        return (
            "None of the decisions that really followed the starts ended an episode. Within "
            f"{decisions(found.horizons[last])} {share(1 - found.dreamed.value[last])} of dreams "
            "end."
        )
    skill = "" if found.skill is None else f" Brier skill {between(found.skill)}: 0 is the rate."
    return (
        f"Of the decisions that really followed the starts {share(found.base_rate)} ended an "
        f"episode: {found.ends:,} of {evidence.codes.episodes:,} ended. One step ahead the "
        "dynamics predict "
        f"{between(found.expected)} times as many.{skill} Dreams that run freely end "
        f"{between(at(found.ratio, last))} times as often within "
        f"{decisions(found.horizons[last])}."
    )


def reward(evidence: FidelityEvidence) -> str:
    """Return the section on rewards."""
    found = evidence.reward
    predicted = np.array([each.predicted for each in found.deciles])
    true = np.array([each.true for each in found.deciles])
    figure = dynamics_plots.deciles(predicted, true, "True reward of each tenth of decisions")
    return html.section(
        "reward",
        "Rewards",
        html.paragraph(_reward_words(found)),
        html.beside(
            html.drawing(
                figure,
                "Mean true reward over mean predicted reward, by tenths of decisions",
                "Decisions in tenths by predicted reward, one step ahead of the real past. On the "
                "dashed line they are paid what they were promised.",
            ),
            _sum_table(found),
        ),
    )


def _reward_words(found: RewardCalibration) -> str:
    digits = reward_digits(found)
    words = (
        f"A held-out decision is paid {found.mean:z.{digits}f} on average, with a deviation of "
        f"{found.deviation:.{digits}f}; the dynamics promise {between(found.bias, digits)} more."
    )
    if found.r2 is None or found.slope is None:
        return f"{words} Rewards or what is predicted of them hardly vary."
    return (
        f"{words} One step ahead they explain {between(found.r2)} of the variance (R2), and a "
        f"promised reward of 1 is worth {between(found.slope)}."
    )


def _sum_table(found: RewardCalibration) -> str:
    places = [place for place, step in enumerate(found.horizons) if step in TABLED]
    digits = sum_digits(found)
    rows = [
        (
            f"+{found.horizons[place]}",
            [
                (f"{found.true_sum.value[place]:z.{digits}f}", ""),
                (f"{found.excess.value[place]:+z.{digits}f}", _interval(found, place, digits)),
            ],
        )
        for place in places
    ]
    table = html.table(["sum of rewards", "true", "dreamed more"], rows)
    words = "Rewards that add up over a dream, compared where neither has ended."
    return html.captioned(table, "Over a dream", words)


def _interval(found: RewardCalibration, place: int, digits: int) -> str:
    point = at(found.excess, place)
    if point.low is None or point.high is None:
        return ""
    return f"{point.low:z.{digits}f} to {point.high:z.{digits}f}"


def spread(evidence: FidelityEvidence) -> str:
    """Return the section on the spread of dreams, and on states that were never seen."""
    found, unseen = evidence.spread, evidence.unseen
    covered = {float(level): band(curve, found.horizons) for level, curve in found.coverage.items()}
    return html.section(
        "spread",
        "Spread",
        html.paragraph(
            "Of what really followed, half should lie in the central half of what was dreamed, "
            "and nine tenths in nine tenths of it. Less: the dreams are too sure. More: too vague. "
            "Measured at temperature 1."
        ),
        _elsewhere(evidence),
        html.beside(
            html.drawing(
                dynamics_plots.coverage(covered, "Truth inside of central intervals"),
                "Coverage of the central 50 and 90 % intervals by horizon",
                "Dashed: what it should be.",
            ),
            html.drawing(
                dynamics_plots.share_by_horizon(
                    band(unseen.beyond, unseen.horizons), 0.01, "Dreams of what was never seen"
                ),
                "Share of dreams far out of the training codes by horizon",
                "Mahalanobis distance from training codes beyond that of 99 % of real held-out "
                "codes; dashed: what is expected of reality.",
            ),
        ),
        _spread_table(evidence),
    )


def _elsewhere(evidence: FidelityEvidence) -> str:
    """Return a sentence on where an agent goes; empty if the episodes are of the rollouts."""
    if evidence.elsewhere is None:
        return ""
    return html.paragraph(
        f"Of what the agent really sees {percent(evidence.elsewhere)} is farther from training "
        "codes than 99 % of the rollouts' held-out codes are; 1 % is expected if it goes where "
        "they went."
    )


def _spread_table(evidence: FidelityEvidence) -> str:
    found, unseen = evidence.spread, evidence.unseen
    places = [place for place, step in enumerate(found.horizons) if step in TABLED]
    rows = [
        (name, [(between(at(curve, place)), "") for place in places])
        for name, curve in (
            ("spread / error (1 is right)", found.ratio),
            ("CRPS / that of any code", found.crps),
            ("distance to the nearest training code / that of real codes", unseen.nearest),
        )
    ]
    return html.table(["", *(f"+{found.horizons[place]}" for place in places)], rows)


def temperature(evidence: FidelityEvidence) -> str:
    """Return the section on the choice of the temperature."""
    scores = evidence.temperatures
    figure = dynamics_plots.temperature_scores(
        [score.temperature for score in scores],
        [score.total for score in scores],
        evidence.temperature,
    )
    rows = [
        (
            f"{score.temperature:g}",
            [
                (f"{score.energy:.3f}", ""),
                (f"{score.survival:.3f}", ""),
                (between(score.excess, 3), ""),
            ],
        )
        for score in scores
    ]
    return html.section(
        "temperature",
        "Temperature",
        html.paragraph(
            "Chosen by validation episodes, which beside this only the advised horizon uses: the "
            "energy score over that of any code, plus the distance of the shares of dreams and of "
            "episodes that go on. Of temperatures that cannot be told from the best the nearest "
            "to 1 is taken."
        ),
        html.beside(
            html.drawing(
                figure,
                f"Error at each temperature, least at {evidence.temperature:g}",
                "Ringed: the chosen one, at which all dreams of this page run but those of the "
                "section on spread.",
            ),
            html.table(["temperature", "energy", "survival", "worse than the best"], rows),
        ),
    )
