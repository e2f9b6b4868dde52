"""The conclusions of a fidelity check: one rule for each possible fault, with its threshold."""

from __future__ import annotations

from collections.abc import Callable

from worldvae.diagnostics.fidelity.metrics.open_loop import (
    BLIND,
    CODE_BASELINES,
    DREAM,
    UNTRAINED,
)
from worldvae.diagnostics.fidelity.rules.codes import (
    drifts,
    elsewhere,
    narrow,
    not_confirmed,
    pixels_lost,
    state_lost,
    uneven,
    unseen_codes,
    wide,
)
from worldvae.diagnostics.fidelity.rules.events import (
    ends_blind,
    ends_too_early,
    ends_too_late,
    reward_off,
    reward_unforeseen,
)
from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence, Trust
from worldvae.diagnostics.fidelity.rules.notes import (
    encoder_in_doubt,
    few_ends,
    few_episodes,
    idle_actions,
    no_pixels,
    no_state,
    other_temperature,
    rewards_alike,
)
from worldvae.diagnostics.fidelity.rules.ways import (
    LONGER,
    MORE_FRAMES,
    point_codes,
    wider_play,
)
from worldvae.diagnostics.fidelity.rules.words import decisions, share, worse
from worldvae.diagnostics.finding import Finding, apply, gravest, gravest_first
from worldvae.diagnostics.rules.advice import join

# The same noise is drawn for both, so that dreams which ignore actions save nothing at all.
ACTIONS_USED = 0.01

Rule = Callable[[FidelityEvidence], Finding | None]


def find(evidence: FidelityEvidence) -> tuple[Finding, ...]:
    """Return all findings, the gravest first.

    With a fatal one, flaws are not listed, but for where the agent goes, which may be its cause.
    """
    grave = apply(FATAL, evidence)[:1]
    flaws = apply(CAUSES, evidence) if grave else apply((*FLAWS, *CAUSES), evidence)
    found = (*grave, *flaws, *apply(NOTES, evidence))
    return gravest_first(found)


def verdict_of(findings: tuple[Finding, ...]) -> Trust:
    """Return the verdict of the gravest finding; dynamics with notes only are trusted."""
    return gravest(findings) or "trusted"


def untrained(evidence: FidelityEvidence) -> Finding | None:
    if evidence.trained:
        return None
    return Finding(
        severity="unfit",
        name="untrained",
        found="The dynamics are untrained: their weights are random.",
        advice="Train them for dynamics.steps with python -m scripts.dynamics CONFIG.",
    )


def as_untrained(evidence: FidelityEvidence) -> Finding | None:
    """Find dynamics that training has not made better than their initial weights."""
    codes = evidence.codes
    if any(codes.beats(UNTRAINED)):
        return None
    last = codes.horizons[-1]
    return Finding(
        severity="unfit",
        name="as_untrained",
        found="Dreams are at no horizon clearly nearer to what really followed than those of "
        f"untrained dynamics: their error after {last} decisions is "
        f"{codes.error_at(DREAM, last):.2f}, "
        f"with initial weights {codes.error_at(UNTRAINED, last):.2f}.",
        advice=join(LONGER, MORE_FRAMES),
    )


def ignores_actions(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams to which actions tell nothing, though they do tell what follows.

    Either they go on alike whatever the agent does, or they get wrong what its actions do.
    """
    gain = evidence.reference.action_gain
    if not evidence.reference.actions_tell or any(uses_actions(evidence)):
        return None
    return Finding(
        severity="unfit",
        name="ignores_actions",
        found="Dreams ignore actions, or get wrong what these do: under those of other windows, "
        "they are as near to what really followed. A linear map saves "
        f"{share(gain.value)} of its error by knowing them.",
        advice=join(wider_play(evidence.policies), LONGER, MORE_FRAMES),
    )


def uses_actions(evidence: FidelityEvidence) -> tuple[bool, ...]:
    """Tell at which horizons dreams under the true actions are clearly nearer to reality."""
    errors = evidence.codes.errors
    return tuple(
        beats and dream <= (1 - ACTIONS_USED) * blind
        for beats, dream, blind in zip(
            evidence.codes.beats(BLIND),
            errors[DREAM].value,
            errors[BLIND].value,
            strict=True,
        )
    )


def wrong_at_first(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that lose to a baseline before they first win, however well they do later."""
    judgement = evidence.judgement
    loss, wins = judgement.loss, judgement.wins
    if loss is None or not wins or wins[0] < loss.step:
        return None
    return Finding(
        severity="unfit",
        name="wrong_at_first",
        found=f"Dreams are wrong from the first steps on: {worse(loss)}. That they win after "
        f"{decisions(wins[0])} is of no use: a dream goes through all before.",
        advice=join(*point_codes(evidence.objective), LONGER, MORE_FRAMES),
    )


def useless(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that hardly ever beat what needs no dynamics."""
    if evidence.horizon and evidence.confirmed:
        return None
    if evidence.confirmed:
        return Finding(
            severity="unfit",
            name="useless",
            found="On validation episodes, by which the horizon is chosen, dreams do not beat "
            "everything that needs no dynamics; that on test episodes they do for "
            f"{decisions(evidence.confirmed)} may be chance.",
            advice=join(MORE_FRAMES, LONGER, wider_play(evidence.policies)),
        )
    codes, first = evidence.codes, evidence.codes.horizons[0]
    each = ", ".join(
        f"{words} {codes.error_at(name, first):.3f}" for name, words in CODE_BASELINES.items()
    )
    return Finding(
        severity="unfit",
        name="useless",
        found="Dreams do not beat everything that needs no dynamics. Squared error after "
        f"{decisions(first)}: {codes.error_at(DREAM, first):.3f}; {each}.",
        advice=join(LONGER, MORE_FRAMES, wider_play(evidence.policies)),
    )


FATAL: tuple[Rule, ...] = (untrained, as_untrained, ignores_actions, wrong_at_first, useless)
FLAWS: tuple[Rule, ...] = (
    not_confirmed,
    drifts,
    ends_too_early,
    ends_too_late,
    ends_blind,
    reward_off,
    reward_unforeseen,
    narrow,
    wide,
    unseen_codes,
    uneven,
    pixels_lost,
    state_lost,
)
CAUSES: tuple[Rule, ...] = (elsewhere,)
NOTES: tuple[Rule, ...] = (
    encoder_in_doubt,
    other_temperature,
    few_episodes,
    few_ends,
    rewards_alike,
    idle_actions,
    no_state,
    no_pixels,
)
