"""States what a comparison found, and claims no more than its seeds allow."""

from __future__ import annotations

from collections.abc import Sequence

from agents.report.arm_summary import ArmSummary
from agents.report.claims import claims, late_claims, undecided_claims
from agents.report.decimals import minutes
from agents.report.summary import Summary
from agents.run.records import ENOUGH_SEEDS
from agents.run.stage_results import Cost
from agents.run.stages import activities, shared_stages


def verdict(summary: Summary) -> list[str]:
    """Return the verdict in paragraphs of plain text."""
    if not summary.arms:
        return ["No agent has finished yet, so there is nothing to compare."]
    findings = claims(summary.pairs, summary.show, declared=len(summary.declared.early))
    findings = [*undecided_claims(summary.undecided), *findings, *late_claims(summary.declared)]
    return [*_few_seeds(summary), *findings, _costs(summary), *_limits(summary)]


def _few_seeds(summary: Summary) -> list[str]:
    """Return the scores, with a warning about arms that have few seeds."""
    few = [arm for arm in summary.arms if arm.iqm.n < ENOUGH_SEEDS]
    scores = ", ".join(_score(summary, arm) for arm in summary.arms)
    if not few:
        return [f"IQM over n = {_counts(summary.arms)} seeds (95 % interval): {scores}."]
    single = [arm for arm in few if arm.iqm.n == 1]
    no_intervals = len(single) == len(summary.arms)
    effect = "there is no interval over seeds" if no_intervals else "an interval says little"
    label = "Score" if no_intervals else "IQM (95 % interval)"
    subject = _names(few) if summary.pairs else "which arm is preferable"
    text = (
        f"With n = {_counts(summary.arms)} {_seeds(summary.arms)} {effect}. {label}: {scores}. "
        f"No claim about {subject} can be made from this run."
    )
    return [text, *([_single_seeds(summary, single)] if single else [])]


def _score(summary: Summary, arm: ArmSummary) -> str:
    score = f"{arm.arm} {summary.show(arm.iqm.value)}"
    interval = summary.interval(arm.iqm.low, arm.iqm.high)
    return f"{score} ({interval})" if arm.iqm.n > 1 else score


def _single_seeds(summary: Summary, arms: Sequence[ArmSummary]) -> str:
    intervals = ", ".join(f"{arm.arm} {summary.interval(*arm.within)}" for arm in arms)
    return (
        "Where one agent stands for its arm, the only interval is over its evaluation episodes: "
        f"{intervals}. It says how much the episodes of that agent differ, not how another "
        "training run would come out."
    )


def _costs(summary: Summary) -> str:
    parts = []
    for arm in summary.arms:
        text = f"{arm.arm} {_steps(arm)} ({minutes(arm.trained.seconds)} min)"
        if arm.charged != Cost():
            text += (
                f", and before that {arm.charged.env_steps:,} env steps "
                f"({minutes(arm.charged.seconds)} min) of {activities(*shared_stages(arm.arm))}, "
                "charged to it"
            )
        parts.append(text)
    return f"Training per seed: {'; '.join(parts)}."


def _steps(arm: ArmSummary) -> str:
    real = f"{arm.trained.env_steps:,} env steps"
    return f"{real} and {arm.dreamed:,} dreamed ones" if arm.dreamed else real


def _limits(summary: Summary) -> list[str]:
    if all(arm.iqm.n >= ENOUGH_SEEDS for arm in summary.arms):
        return []
    return [
        "So small a run shows that the way from frames to scores works, what each arm costs, and "
        "the rough size of its scores after so many env steps. How the arms rank, or would rank "
        f"after longer training, it does not show: plan {ENOUGH_SEEDS} seeds per arm at the very "
        "least."
    ]


def _counts(arms: Sequence[ArmSummary]) -> str:
    """Return "5" if all arms have as many seeds, else "5 (pixels) and 3 (latent)"."""
    if len({arm.iqm.n for arm in arms}) == 1:
        return str(arms[0].iqm.n)
    *front, last = (f"{arm.iqm.n} ({arm.arm})" for arm in arms)
    return f"{', '.join(front)} and {last}"


def _seeds(arms: Sequence[ArmSummary]) -> str:
    counts = {arm.iqm.n for arm in arms}
    if len(counts) > 1:
        return "seeds"
    return "seed per arm" if counts == {1} else "seeds per arm"


def _names(arms: Sequence[ArmSummary]) -> str:
    return " or ".join(arm.arm for arm in arms)
