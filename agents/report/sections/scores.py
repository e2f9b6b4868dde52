"""The section with the final score of each agent."""

from __future__ import annotations

import numpy as np

from agents.arms.registry import colours
from agents.report.summary import Summary
from agents.report.tables.arms import seeds_table
from agents.run.records import Run
from worldvae import html
from worldvae.plots import comparison as figures


def scores(run: Run, summary: Summary) -> str:
    """Return the section; "" before an agent has finished."""
    if not summary.arms:
        return ""
    values = {arm.arm: arm.values for arm in summary.arms}
    returns = {
        arm: [np.array(result.evaluation.returns) for result in run.finished(arm).values()]
        for arm in values
    }
    final = figures.final_scores(values, {arm.arm: arm.iqm for arm in summary.arms}, colours())
    names = ", ".join(values)
    return html.section(
        "scores",
        "Final scores",
        html.beside(
            html.drawing(
                final,
                f"Final score of each seed, by arm: {names}",
                "A dot is a seed, the mean over its evaluation episodes. Diamond and bar: the IQM "
                "and its 95 % interval over seeds; a single seed has none.",
            ),
            html.drawing(
                figures.episode_returns(returns, colours()),
                f"Evaluation returns of each seed, by arm: {names}",
                "A stroke is an episode, a line of strokes a seed, the dot its mean.",
            ),
        ),
        html.details("Every seed in numbers", html.table(*seeds_table(run, summary))),
    )
