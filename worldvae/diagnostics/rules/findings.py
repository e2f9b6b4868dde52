"""The conclusions of a health check: one rule for each possible fault, with its threshold.

Losses are judged on training frames, since a loss on held-out frames alone is overfitting, which
needs other remedies.
"""

from __future__ import annotations

from collections.abc import Callable

from worldvae.diagnostics.finding import Finding, apply, gravest, gravest_first
from worldvae.diagnostics.metrics.reconstruction import Code
from worldvae.diagnostics.rules.advice import (
    finer_pixels,
    finer_still_pixels,
    join,
    latents_of_each_place,
    more_information,
    nearer_future,
)
from worldvae.diagnostics.rules.code import (
    below_untrained,
    duplicates,
    few_episodes,
    few_probed,
    idle_latents,
    no_state,
    still,
    strangers,
    tells,
    variables_lost,
)
from worldvae.diagnostics.rules.evidence import Evidence, Verdict
from worldvae.wording import percent

# The mean training image scores 1; with less than a tenth gained on it, nothing can be seen.
NOTHING_KEPT = 0.9
# Half of the deviation of moving pixels is missing.
MOVING_LOST = 0.5
STATIC_LOST = 0.5
# Of eleven sound encoders (Atari, CarRacing, Dots, DoorKey) at most 0.32 are lost; of those that do
# not draw CarRacing's instruments, or a goal that lies elsewhere in each episode, 0.68 and more.
THINGS_LOST = 0.5
# A quarter of all places, and more than the corner of a frame where a number is shown.
PLACES_LOST = 0.25
LEAST_PLACES = 4
# Below five grey levels (root mean square) an error is not seen, whatever its share.
VISIBLE_MSE = (5 / 255) ** 2
MEMORISED = 1.5
# How much more of the deviation from the mean image has to be lost on held-out frames: a large
# ratio of two small errors does no harm.
MEMORISED_SHARE = 0.05
# A ratio without an interval is divided by this in place of the interval's lower end.
NO_INTERVAL = 2.0

Rule = Callable[[Evidence], Finding | None]


def find(evidence: Evidence) -> tuple[Finding, ...]:
    """Return all findings, the gravest first; with a fatal one, flaws are not listed."""
    grave = apply(FATAL, evidence)[:1]
    flaws = () if grave else apply(FLAWS, evidence)
    faults = [_advised_anew(fault, evidence) for fault in (*grave, *flaws)]
    return gravest_first((*faults, *apply(NOTES, evidence)))


def _advised_anew(fault: Finding, evidence: Evidence) -> Finding:
    """Return `fault`, with what mends it in an encoder of other frames: no setting of its own."""
    if evidence.pretrained_on is None or not evidence.trained or fault.severity == "note":
        return fault
    advice = (
        f"It was pretrained on {evidence.pretrained_on}. Pretrain one on these (leave `encoder` "
        "out), or on frames of all tasks that it is to serve."
    )
    return fault.model_copy(update={"advice": advice})


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict of the gravest finding; an encoder with notes only is healthy."""
    return gravest(findings) or "healthy"


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
    """Find encoders of which no latent varies with the frame, though frames vary."""
    code, train = evidence.code, evidence.reconstruction.train
    if code.active or train.lost is None:
        return None
    return Finding(
        severity="unfit",
        name="collapsed",
        found=f"0 of {code.latents} latents are active and the code carries {code.rate:.2f} nats: "
        "the decoder hardly uses it.",
        advice=join(
            more_information(evidence.objective, evidence.pixels), finer_pixels(evidence.pixels)
        ),
    )


def blind(evidence: Evidence) -> Finding | None:
    """Find encoders whose reconstructions of training frames hardly improve on the mean image."""
    train = evidence.reconstruction.train
    lost = [train.lost, train.moving.lost if train.moving else None]
    shares = [share for share in lost if share is not None]
    if not evidence.pixels.weight or not shares or min(shares) <= NOTHING_KEPT:
        return None
    return Finding(
        # The decoder may lag behind: what an agent needs may be in the code already.
        severity="doubtful" if tells(evidence) else "unfit",
        name="blind",
        found=f"Reconstructions of training frames are hardly nearer than the mean image: "
        f"{percent(min(shares))} of the deviation from it is lost.",
        advice=join("raise pretrain.steps", more_information(evidence.objective, evidence.pixels)),
    )


def moving_lost(evidence: Evidence) -> Finding | None:
    code, pixels = evidence.code, evidence.pixels
    train, held_out = evidence.reconstruction.train.moving, evidence.reconstruction.held_out.moving
    if not (train and train.lost and train.lost > MOVING_LOST and pixels.weight):
        return None
    elsewhere = (
        f" ({percent(held_out.lost)} on held-out ones)" if held_out and held_out.lost else ""
    )
    ways = [more_information(evidence.objective, pixels), finer_pixels(pixels)]
    if pixels.predict:
        ways.append(nearer_future(pixels))
    return Finding(
        severity="doubtful",
        name="moving_lost",
        found=f"{code.active} of {code.latents} latents are active and moving pixels are lost: "
        f"{percent(train.lost)} of their deviation from the mean image on training frames"
        f"{elsewhere}.",
        advice=join(*ways, *_more_latents(code)),
    )


def places_lost(evidence: Evidence) -> Finding | None:
    """Find places in which moving objects are lost, though large ones hide that in the mean."""
    pixels, train = evidence.pixels, evidence.reconstruction.train
    if not (train.places and train.moving and train.moving.lost and pixels.weight):
        return None
    judged = train.places.known
    lost = sum(share > MOVING_LOST for share in judged)
    if train.moving.lost > MOVING_LOST or lost < max(LEAST_PLACES, PLACES_LOST * len(judged)):
        return None
    ways = [
        more_information(evidence.objective, pixels),
        finer_pixels(pixels),
        *_more_latents(evidence.code),
    ]
    return Finding(
        severity="doubtful",
        name="places_lost",
        found=f"In {lost} of the {len(judged)} places of the frame where something moves it is "
        f"lost, so something small is; of all that moves {percent(train.moving.lost)} is lost.",
        advice=join(*ways, "raise pretrain.steps"),
    )


def static_lost(evidence: Evidence) -> Finding | None:
    code, train = evidence.code, evidence.reconstruction.train.static
    if not (train and train.lost and train.lost > STATIC_LOST and train.mse > VISIBLE_MSE):
        return None
    if not evidence.pixels.weight:
        return None
    return Finding(
        severity="doubtful",
        name="static_lost",
        found=f"{code.active} of {code.latents} latents are active and pixels that stand still "
        f"are lost: {percent(train.lost)} of their deviation from the mean image.",
        advice=join(more_information(evidence.objective, evidence.pixels), *_more_latents(code)),
    )


def still_things_lost(evidence: Evidence) -> Finding | None:
    """Find small things that are lost though, by pixels, most of what stands still is kept."""
    train, pixels = evidence.reconstruction.train, evidence.pixels
    things = train.still_things
    if not (things and things.lost > THINGS_LOST and pixels.weight):
        return None
    if static_lost(evidence):
        return None
    ways = latents_of_each_place(evidence.network), *finer_still_pixels(pixels)
    return Finding(
        severity="doubtful",
        name="still_things_lost",
        found=f"{percent(things.lost)} of the things that stand still and differ clearly from the "
        f"mean image are lost, so small ones are ({things.per_frame:.1f} things a frame).",
        advice=join("raise pretrain.steps", *ways, more_information(evidence.objective, pixels)),
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


def _more_latents(code: Code) -> list[str]:
    """Return advice to raise the number of latents if all of them are active, else nothing."""
    return [f"raise pretrain.latents (now {code.latents})"] if code.active == code.latents else []


FATAL: tuple[Rule, ...] = (untrained, collapsed, blind)
FLAWS: tuple[Rule, ...] = (
    overfitted,
    moving_lost,
    places_lost,
    static_lost,
    still_things_lost,
    strangers,
    below_untrained,
    variables_lost,
    duplicates,
    idle_latents,
)
NOTES: tuple[Rule, ...] = (still, few_episodes, few_probed, no_state)
