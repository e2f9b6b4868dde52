"""The notes: what could not be measured, and what is worth knowing."""

from __future__ import annotations

from worldvae.diagnostics.fidelity.metrics.open_loop import BLIND
from worldvae.diagnostics.fidelity.metrics.temperature import USUAL
from worldvae.diagnostics.fidelity.rules.events import FEW_ENDS
from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence
from worldvae.diagnostics.finding import Finding

FEW_EPISODES = 5
"""With fewer held-out episodes an interval over them says little."""


def other_temperature(evidence: FidelityEvidence) -> Finding | None:
    """Say at which temperature dreams are nearest to reality, if it is not the usual one."""
    chosen = evidence.temperature
    if chosen == USUAL or not evidence.horizon:
        return None
    totals = {score.temperature: score.total for score in evidence.temperatures}
    return Finding(
        severity="note",
        name="other_temperature",
        found=f"Validation episodes are met best at temperature {chosen:g}: error "
        f"{totals[chosen]:.3f}, at {USUAL:g} {totals[USUAL]:.3f}.",
        advice=f"Set dream.temperature: {chosen:g}.",
    )


def encoder_in_doubt(evidence: FidelityEvidence) -> Finding | None:
    """Say what the encoder's own check found, since nothing about dynamics mends it."""
    if not evidence.encoder_doubts:
        return None
    first, *others = evidence.encoder_doubts
    more = f" Findings beside it: {len(others)}." if others else ""
    return Finding(
        severity="note",
        name="encoder_in_doubt",
        found=f"The encoder's own check says: {first.found}{more}",
        advice="What its latents do not hold no dynamics can foresee, rewards and ends that depend "
        "on it included: mend it first (health.html in its folder says how), and learn the "
        "dynamics anew.",
    )


FEWEST_EPISODES = 3
"""Of dreams no better than untrained ones 58 % seem better somewhere by one held-out episode, 29 %
by two, 14 % by three (100 simulated checks each)."""


def few_episodes(evidence: FidelityEvidence) -> Finding | None:
    episodes = evidence.codes.episodes
    if episodes >= FEW_EPISODES:
        return None
    return Finding(
        severity="note" if episodes >= FEWEST_EPISODES else "doubtful",
        name="few_episodes",
        found=f"Errors are of {episodes} held-out episode(s), too few for intervals to mean much.",
        advice=f"Raise {'rollouts.' if evidence.elsewhere is None else '--'}frames, or shorten "
        "episodes with env.max_episode_steps and another --name.",
    )


def few_ends(evidence: FidelityEvidence) -> Finding | None:
    """Say that held-out episodes do not show when dreams should end."""
    count = evidence.ends.ends
    if count >= FEW_ENDS:
        return None
    return Finding(
        severity="note",
        name="few_ends",
        found=f"Of {evidence.codes.episodes:,} held-out episodes {count or 'none'} ended by "
        f"{'themselves' if count != 1 else 'itself'}, too few to judge when dreams end.",
        advice="If episodes of this environment do end, raise rollouts.frames, or collect wider "
        "play: ends that were never seen no dream has.",
    )


def rewards_alike(evidence: FidelityEvidence) -> Finding | None:
    """Say that held-out decisions pay all the same, while those of training do not."""
    varied = evidence.reference.reward_deviation
    if evidence.reward.r2 is not None or not varied:
        return None
    return Finding(
        severity="note",
        name="rewards_alike",
        found=f"All held-out decisions pay {evidence.reward.mean:z.3g}, those of training do not "
        f"(deviation {varied:.3g}): whether dreams foresee rewards was not judged.",
        advice="Raise rollouts.frames.",
    )


def idle_actions(evidence: FidelityEvidence) -> Finding | None:
    """Say that neither dreams nor a linear map show any effect of actions."""
    if evidence.reference.actions_tell or any(evidence.codes.beats(BLIND)):
        return None
    return Finding(
        severity="note",
        name="idle_actions",
        found="Actions hardly change what follows in these episodes, for a linear map and for "
        "dreams alike, so that nobody can say whether dreams heed them.",
        advice="Collect wider play: give sweep a weight in rollouts.policies.",
    )


def no_state(evidence: FidelityEvidence) -> Finding | None:
    if evidence.no_state is None:
        return None
    return _note("no_state", "What dreams say of the true state was not probed.", evidence.no_state)


def no_pixels(evidence: FidelityEvidence) -> Finding | None:
    if evidence.no_pixels is None:
        return None
    return _note("no_pixels", "Decoded dreams were not compared with frames.", evidence.no_pixels)


def _note(name: str, found: str, reason: str) -> Finding:
    sentence = f"{reason[0].upper()}{reason[1:]}."
    return Finding(severity="note", name=name, found=found, advice=sentence)
