"""The rules about rewards and ends."""

from __future__ import annotations

from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence
from worldvae.diagnostics.fidelity.rules.ways import (
    LONGER,
    MORE_FRAMES,
    heavier_ends,
    heavier_rewards,
    own_samples,
    wider_play,
)
from worldvae.diagnostics.fidelity.rules.words import (
    at,
    between,
    decisions,
    reward_digits,
    share,
    sum_digits,
)
from worldvae.diagnostics.finding import Finding
from worldvae.diagnostics.rules.advice import join

# Dreams end half as often again as episodes...
OFTENER = 1.5
# ...which matters once it concerns one dream in fifty.
LEAST_GAP = 0.02
# Less than a tenth of the ends that are due are as good as none.
AS_GOOD_AS_NONE = 0.1
# Fewer ends than these, and chance decides how well they were foretold.
FEW_ENDS = 10
# How much more of the Brier score of the rate a linear map of the code and the action saves.
SKILL_LEAD = 0.02
# A unit of predicted reward that is worth less than two thirds or more than one and a half.
SLOPES = (0.67, 1.5)
# Of the deviation of a reward, or of its mean where it hardly varies.
BIAS = 0.1
# Of the deviation of the sum of rewards, or of a fifth of its mean.
SUM_BIAS, SUM_UNIT = 0.5, 0.2
# How much more of the variance of rewards a linear map of the code and the action explains.
LINEAR_LEAD = 0.1
# Of the variance of rewards; dreams that explain less know of them what their mean tells.
FORESEEN = 0.1


def ends_too_early(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that end oftener than episodes from the same starts."""
    ends = evidence.ends
    for place in _judged(evidence):
        ratio, gap = at(ends.ratio, place), ends.gap.value[place]
        if ratio.value > OFTENER and ratio.least > 1 and gap < -LEAST_GAP:
            return Finding(
                severity="doubtful",
                name="ends_too_early",
                found=f"Dreams end too early: {_ended(evidence, place)}, {between(ratio, 1)} times "
                f"as often. {_ahead(evidence)}",
                advice=join(
                    own_samples(evidence.objective), wider_play(evidence.policies), MORE_FRAMES
                ),
            )
    return None


def ends_too_late(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that end more seldom than episodes from the same starts, or never."""
    ends = evidence.ends
    for place in _judged(evidence):
        ratio, gap = at(ends.ratio, place), ends.gap.value[place]
        if ratio.value < 1 / OFTENER and ratio.most < 1 and gap > LEAST_GAP:
            never = ratio.value < AS_GOOD_AS_NONE
            words = "Dreams hardly ever end" if never else "Dreams end too late"
            return Finding(
                severity="doubtful",
                name="never_ends" if never else "ends_too_late",
                found=f"{words}: {_ended(evidence, place)}, {between(ratio)} times as often. "
                f"{_ahead(evidence)}",
                advice=_end_advice(evidence, own_samples(evidence.objective)),
            )
    return None


def ends_blind(evidence: FidelityEvidence) -> Finding | None:
    """Find dynamics whose ends come about as often as real ones, but not where these do."""
    ends, linear = evidence.ends, evidence.reference.end_skill
    if ends.ends < FEW_ENDS or ends.skill is None or linear is None:
        return None
    if ends.skill.most >= linear - SKILL_LEAD:
        return None
    return Finding(
        severity="doubtful",
        name="ends_blind",
        found="Ends do not come where they should: one step ahead their Brier skill is "
        f"{between(ends.skill)}, where 0 is the rate alone; that of a linear map is {linear:.2f}.",
        advice=_end_advice(evidence, LONGER),
    )


def _end_advice(evidence: FidelityEvidence, way: str) -> str:
    """Return advice for ends that are not foreseen; `way` is one of several, if they can be."""
    limit = evidence.ending_limit
    if limit is None:
        return join(heavier_ends(evidence.objective), way, MORE_FRAMES)
    return (
        f"Many episodes are terminated after {decisions(limit)} and none is longer. If that is a "
        "limit of steps, which no frame shows, let the environment return truncated there in "
        "place of terminated, and collect anew."
    )


def _judged(evidence: FidelityEvidence) -> tuple[int, ...]:
    """Return the places of the curves that are judged."""
    return _last_and_quarter(len(evidence.ends.horizons) - 1)


def _last_and_quarter(last: int) -> tuple[int, ...]:
    """Return two places of a curve: of all places, chance alone would reach one now and then."""
    return tuple(dict.fromkeys((last, last // 4)))


def _ended(evidence: FidelityEvidence, place: int) -> str:
    ends = evidence.ends
    dreamed, real = (1 - curve.value[place] for curve in (ends.dreamed, ends.real))
    return (
        f"within {decisions(ends.horizons[place])} {share(dreamed)} of them do, {share(real)} of "
        "the episodes from the same starts"
    )


def _ahead(evidence: FidelityEvidence) -> str:
    return f"One step ahead they predict {between(evidence.ends.expected)} times the real ends."


def reward_off(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that pay other rewards than reality does."""
    faults = [text for text in (_scale(evidence), _bias(evidence), _sum(evidence)) if text]
    faults = faults or [text for text in (_unlearned(evidence),) if text]
    if not faults:
        return None
    return Finding(
        severity="doubtful",
        name="reward_off",
        found=f"Dreams pay other rewards than reality: {'; '.join(faults)}.",
        advice=join(heavier_rewards(evidence.objective), LONGER, own_samples(evidence.objective)),
    )


def _scale(evidence: FidelityEvidence) -> str:
    slope = evidence.reward.slope
    if slope is None:
        return ""
    low, high = SLOPES
    off = (slope.value < low and slope.most < 1) or (slope.value > high and slope.least > 1)
    return f"a predicted reward of 1 is worth {between(slope)}" if off else ""


def _bias(evidence: FidelityEvidence) -> str:
    reward = evidence.reward
    bias, unit = reward.bias, max(reward.deviation, abs(reward.mean))
    if abs(bias.value) <= BIAS * unit or bias.least <= 0 <= bias.most:
        return ""
    digits = reward_digits(reward)
    return (
        f"one step ahead they are off by {between(bias, digits)} a decision, where the mean is "
        f"{reward.mean:.{digits}f} and the deviation {reward.deviation:.{digits}f}"
    )


def _sum(evidence: FidelityEvidence) -> str:
    """Judge sums of rewards as far as the codes are trusted; beyond, what drifts is the code."""
    reward = evidence.reward
    digits = sum_digits(reward)
    trusted = sum(step <= max(evidence.horizon, 1) for step in reward.horizons)
    for place in _last_and_quarter(trusted - 1):
        excess, true = at(reward.excess, place), reward.true_sum.value[place]
        unit = max(reward.sum_deviation[place], SUM_UNIT * abs(true))
        if abs(excess.value) > SUM_BIAS * unit and not excess.least <= 0 <= excess.most:
            return (
                f"within {decisions(reward.horizons[place])} dreams pay "
                f"{between(excess, digits)} more than reality, which pays {true:.{digits}f}"
            )
    return ""


def _unlearned(evidence: FidelityEvidence) -> str:
    found, linear = evidence.reward.r2, evidence.reference.reward_r2
    if found is None or linear is None or found.most >= linear - LINEAR_LEAD:
        return ""
    return (
        f"they explain {between(found)} of the variance of rewards one step ahead, where a linear "
        f"map explains {linear:.2f}"
    )


def reward_unforeseen(evidence: FidelityEvidence) -> Finding | None:
    """Find rewards that dreams do not foresee, or of which it is not shown that they do."""
    found, linear = evidence.reward.r2, evidence.reference.reward_r2
    if found is None or found.least > 0 or reward_off(evidence):
        return None
    if found.most >= FORESEEN:
        return Finding(
            severity="note",
            name="reward_unproven",
            found=f"That dreams foresee rewards is not shown: one step ahead they explain "
            f"{between(found)} of their variance.",
            advice="Raise rollouts.frames, so that more of what pays is held out.",
        )
    beside = "" if linear is None else f", a linear map {linear:.2f}"
    return Finding(
        severity="doubtful",
        name="reward_unforeseen",
        found="Nothing shows that dreams foresee rewards: one step ahead they explain "
        f"{between(found)} of their variance{beside}. Either chance decides most of them, or what "
        "neither frames nor keys show, such as a clock.",
        advice=join(
            "look at what pays in the environment, and let the observation show it",
            "see whether dreams rank policies all the same (python -m scripts.gap CONFIG)",
        ),
    )
