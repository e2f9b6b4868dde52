"""Says which measures of a study have no value, and why."""

from __future__ import annotations

from collections.abc import Sequence

from agents.study.scores import CellScores
from worldvae.diagnostics.config import Measure
from worldvae.envs.state import why_no_state


def unmeasured(scores: Sequence[CellScores], measures: Sequence[Measure]) -> list[str]:
    """Return a sentence for each environment and reason for which `measures` have no value."""
    lacking = dict[tuple[str, str], list[str]]()
    for row in {row.env: row for row in scores}.values():
        for measure in measures:
            if (reason := _reason_of_none(row, measure)) is not None:
                lacking.setdefault((row.env, reason), []).append(measure)
    return [
        f"Not measured in {env}: {', '.join(names)}; {reason}."
        for (env, reason), names in lacking.items()
    ]


def _reason_of_none(row: CellScores, measure: Measure) -> str | None:
    """Return why `row` has no value of `measure`; None if it has one."""
    if measure == "disentanglement":
        few = "fewer than two variables of a true state vary in its rollouts"
        return few if row.disentanglement is None else None
    probed = row.probes if measure == "probes" else row.published_probes
    if probed is not None and probed.mean is not None:
        return None
    if probed is None or not probed.dropped:
        return why_no_state(row.env)
    name, reason = next(iter(probed.dropped.items()))
    return f"no variable of its true state can be probed ({name}: {reason})"
