"""What a health check concludes: one rule for each thing that goes wrong, with its threshold.

Whether the objective kept something is judged on training frames; what is kept there and lost on
held-out ones is overfitting, and asks for other remedies.
"""

from __future__ import annotations

from collections.abc import Callable

from worldvae.diagnostics.advice import join, more_information, nearer_future, sharper_eyes
from worldvae.diagnostics.evidence import Evidence, Finding, Severity, Verdict
from worldvae.diagnostics.measures import DUPLICATE
from worldvae.diagnostics.neighbours import Closeness

# 1 is what the mean training image scores; with a tenth of the way gained, nothing is seen yet.
NOTHING_KEPT = 0.9
# Half of what moves is not in the picture.
MOVING_LOST = 0.5
STATIC_LOST = 0.5
# Below five grey levels (root mean square) an error is not seen, whatever its share.
VISIBLE_MSE = (5 / 255) ** 2
MEMORISED = 1.5
# So much more of the deviation from the mean image is lost on held-out frames: a large ratio of
# two small errors does no harm.
MEMORISED_SHARE = 0.05
# By what a ratio without an interval is divided, in place of taking the interval's lower end.
NO_INTERVAL = 2.0
STRANGERS = 0.5
IDLE_SHARE = 0.5
BELOW_UNTRAINED = 0.05
TELLING = 0.5
# Of what a small picture tells of a group of variables, the latents tell less than this share...
GROUP_KEPT = 0.3
# ...where that picture tells enough more than the mean or majority.
GROUP_VISIBLE = 0.2

ORDER: tuple[Severity, ...] = ("unfit", "doubtful", "note")
Rule = Callable[[Evidence], Finding | None]


def find(evidence: Evidence) -> tuple[Finding, ...]:
    """All findings, the gravest first; one that is fatal stands for the flaws it brings along."""
    grave = _apply(FATAL, evidence)[:1]
    flaws = () if grave else _apply(FLAWS, evidence)
    found = (*grave, *flaws, *_apply(NOTES, evidence))
    return tuple(sorted(found, key=lambda finding: ORDER.index(finding.severity)))


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """That of the gravest finding; notes alone leave an encoder healthy."""
    severities = {finding.severity for finding in findings}
    if "unfit" in severities:
        return "unfit"
    return "doubtful" if "doubtful" in severities else "healthy"


def untrained(evidence: Evidence) -> Finding | None:
    if evidence.trained:
        return None
    return Finding(
        severity="unfit",
        name="untrained",
        found="The encoder is untrained: its weights are random.",
        advice="Train it for pretrain.steps with python -m scripts.pretrain CONFIG.",
    )


def collapsed(evidence: Evidence) -> Finding | None:
    """No latent varies with the frame, though frames vary."""
    code, train = evidence.code, evidence.reconstruction.train
    if code.active or train.lost is None:
        return None
    return Finding(
        severity="unfit",
        name="collapsed",
        found=f"0 of {code.latents} latents are active and the code carries {code.rate:.2f} nats: "
        "the decoder hardly uses it.",
        advice=join(more_information(evidence.objective), sharper_eyes(evidence.objective)),
    )


def blind(evidence: Evidence) -> Finding | None:
    """Not even training frames are drawn any nearer than by the mean image."""
    train = evidence.reconstruction.train
    lost = [train.lost, train.moving.lost if train.moving else None]
    shares = [share for share in lost if share is not None]
    if not evidence.objective.pixel_weight or not shares or min(shares) <= NOTHING_KEPT:
        return None
    return Finding(
        # The decoder may lag behind: what an agent needs may be in the code already.
        severity="doubtful" if _tells(evidence) else "unfit",
        name="blind",
        found=f"Reconstructions of training frames are hardly nearer than the mean image: "
        f"{percent(min(shares))} of the deviation from it is lost.",
        advice=join("raise pretrain.steps", more_information(evidence.objective)),
    )


def moving_lost(evidence: Evidence) -> Finding | None:
    code, objective = evidence.code, evidence.objective
    train, held_out = evidence.reconstruction.train.moving, evidence.reconstruction.held_out.moving
    if not (train and train.lost and train.lost > MOVING_LOST and objective.pixel_weight):
        return None
    elsewhere = (
        f" ({percent(held_out.lost)} on held-out ones)" if held_out and held_out.lost else ""
    )
    ways = [more_information(objective), sharper_eyes(objective)]
    if objective.predict:
        ways.append(nearer_future(objective))
    if code.active == code.latents:
        ways.append(f"raise pretrain.latents (now {code.latents})")
    return Finding(
        severity="doubtful",
        name="moving_lost",
        found=f"{code.active} of {code.latents} latents are active and moving pixels are lost: "
        f"{percent(train.lost)} of their deviation from the mean image on training frames"
        f"{elsewhere}.",
        advice=join(*ways),
    )


def static_lost(evidence: Evidence) -> Finding | None:
    code, train = evidence.code, evidence.reconstruction.train.static
    if not (train and train.lost and train.lost > STATIC_LOST and train.mse > VISIBLE_MSE):
        return None
    if not evidence.objective.pixel_weight:
        return None
    ways = [more_information(evidence.objective)]
    if code.active == code.latents:
        ways.append(f"raise pretrain.latents (now {code.latents})")
    return Finding(
        severity="doubtful",
        name="static_lost",
        found=f"{code.active} of {code.latents} latents are active and pixels that stand still "
        f"are lost: {percent(train.lost)} of their deviation from the mean image.",
        advice=join(*ways),
    )


def overfitted(evidence: Evidence) -> Finding | None:
    ratio, errors = evidence.overfitting, evidence.reconstruction
    least = ratio.ratio / NO_INTERVAL if ratio.low is None else ratio.low
    gap = (errors.held_out.lost or 0) - (errors.train.lost or 0)
    if least < MEMORISED or gap < MEMORISED_SHARE:
        return None
    interval = "" if ratio.low is None else f" (95 % interval {ratio.low:.1f} to {ratio.high:.1f})"
    return Finding(
        severity="doubtful",
        name="overfitted",
        found=f"The error on held-out episodes is {ratio.ratio:.1f} times that on training "
        f"episodes{interval}: of the deviation from the mean image {percent(errors.held_out.lost)} "
        f"is lost, {percent(errors.train.lost)} in training.",
        advice=f"Raise rollouts.frames (the training episodes have {evidence.frames['train']}); "
        "or lower pretrain.steps, or pretrain.channels and pretrain.latents.",
    )


def strangers(evidence: Evidence) -> Finding | None:
    """Frames of like latents are alike in no respect."""
    near = evidence.neighbours
    respects = {"pixels": near.pixels, "moving pixels": near.moving, "state": near.state}
    known = {name: closeness for name, closeness in respects.items() if closeness}
    if not known or any(closeness.latents >= STRANGERS for closeness in known.values()):
        return None
    return Finding(
        severity="doubtful",
        name="strangers",
        found="Training frames with the nearest latents are not like the held-out frame: "
        f"{_closeness(known)} (0: as a random frame, 1: as the nearest there is).",
        advice=join(more_information(evidence.objective), "raise rollouts.frames"),
    )


def _tells(evidence: Evidence) -> bool:
    """Whether latents tell half of what a small picture tells of the state, or more."""
    if evidence.probes is None:
        return False
    mean = evidence.probes.mean
    return mean["latents"] - mean["majority"] > TELLING * (mean["pixels"] - mean["majority"])


def below_untrained(evidence: Evidence) -> Finding | None:
    if evidence.probes is None:
        return None
    mean = evidence.probes.mean
    if mean["latents"] >= mean["untrained"] - BELOW_UNTRAINED:
        return None
    return Finding(
        severity="doubtful",
        name="below_untrained",
        found=f"A linear probe reads less of the state from the latents ({mean['latents']:.2f}) "
        f"than from those of an untrained encoder ({mean['untrained']:.2f}).",
        advice=join(sharper_eyes(evidence.objective), more_information(evidence.objective)),
    )


def variables_lost(evidence: Evidence) -> Finding | None:
    """Groups of variables that a small picture shows and the latents do not."""
    groups = evidence.probes.groups if evidence.probes else {}
    lost = {name: scores for name, scores in groups.items() if is_lost(scores)}
    if not lost:
        return None
    each = ", ".join(
        f"{name or 'state'} {scores['latents']:.2f} ({scores['pixels']:.2f})"
        for name, scores in lost.items()
    )
    return Finding(
        severity="doubtful",
        name="variables_lost",
        found="Linear probes of the latents miss what those of a small picture (in brackets) "
        f"show: {each}.",
        advice=join(sharper_eyes(evidence.objective), more_information(evidence.objective)),
    )


def is_lost(scores: dict[str, float]) -> bool:
    """Whether latents show little of what pixels show beyond the mean or majority."""
    visible = scores["pixels"] - scores["majority"]
    return visible > GROUP_VISIBLE and scores["latents"] - scores["majority"] < GROUP_KEPT * visible


def duplicates(evidence: Evidence) -> Finding | None:
    pairs = evidence.code.duplicates
    if not pairs:
        return None
    first = pairs[0]
    return Finding(
        severity="note",
        name="duplicates",
        found=f"{len(pairs)} pairs of latents say the same (correlation beyond {DUPLICATE}), such "
        f"as {first.first} and {first.second} ({first.correlation:+.2f}).",
        advice="They do no harm to an agent; fewer pretrain.latents, or pretrain.objective: "
        "dip_vae, would part them.",
    )


def idle_latents(evidence: Evidence) -> Finding | None:
    code = evidence.code
    if not code.active or len(code.dead) < IDLE_SHARE * code.latents:
        return None
    return Finding(
        severity="note",
        name="idle_latents",
        found=f"{len(code.dead)} of {code.latents} latents are dead.",
        advice=f"If nothing else is amiss, pretrain.latents: {code.active + 2} would do.",
    )


def no_state(evidence: Evidence) -> Finding | None:
    if evidence.no_probes is None:
        return None
    return Finding(
        severity="note",
        name="no_state",
        found="What the latents tell of the true state was not probed.",
        advice=f"{evidence.no_probes[0].upper()}{evidence.no_probes[1:]}.",
    )


def still(evidence: Evidence) -> Finding | None:
    errors = evidence.reconstruction
    if errors.held_out.moving and errors.train.moving:
        return None
    equal = errors.train.lost is None
    return Finding(
        severity="doubtful" if equal else "note",
        name="still",
        found="All training frames are equal." if equal else "No pixel moves between frames.",
        advice="Look at what was collected with python -m scripts.collect CONFIG --inspect; other "
        "rollouts.policies or env.action_repeat may move it.",
    )


def few_episodes(evidence: Evidence) -> Finding | None:
    if evidence.overfitting.low is not None:
        return None
    held_out = evidence.reconstruction.held_out.episodes
    return Finding(
        severity="note",
        name="few_episodes",
        found=f"Errors are of {held_out} held-out episode(s), too few for an interval.",
        advice="Raise rollouts.frames, or shorten episodes with env.max_episode_steps.",
    )


def percent(share: float | None) -> str:
    """A share in words."""
    return "nothing" if share is None else f"{share:.0%}".replace("%", " %")


def _closeness(known: dict[str, Closeness]) -> str:
    return ", ".join(f"{name} {near.latents:.2f}" for name, near in known.items())


def _apply(rules: tuple[Rule, ...], evidence: Evidence) -> tuple[Finding, ...]:
    found = (rule(evidence) for rule in rules)
    return tuple(finding for finding in found if finding)


FATAL: tuple[Rule, ...] = (untrained, collapsed, blind)
FLAWS: tuple[Rule, ...] = (
    overfitted,
    moving_lost,
    static_lost,
    strangers,
    below_untrained,
    variables_lost,
    duplicates,
    idle_latents,
)
NOTES: tuple[Rule, ...] = (still, few_episodes, no_state)
