"""The rules about dreamed codes: drift, spread, unseen states, and what is read from them."""

from __future__ import annotations

from worldvae.diagnostics.fidelity.metrics.bootstrap import HorizonCurve
from worldvae.diagnostics.fidelity.metrics.horizon import first_loss
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    CODE_BASELINES,
    COPY_LAST,
    DREAM,
    MEAN,
    OpenLoop,
)
from worldvae.diagnostics.fidelity.metrics.pixels import RECONSTRUCTION
from worldvae.diagnostics.fidelity.metrics.states import CODE
from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence
from worldvae.diagnostics.fidelity.rules.notes import FEW_EPISODES
from worldvae.diagnostics.fidelity.rules.ways import (
    LONGER,
    MORE_FRAMES,
    ROUNDS,
    WIDER_PLAY,
    input_noise,
    own_samples,
    point_codes,
    shorter,
    wider_play,
)
from worldvae.diagnostics.fidelity.rules.words import at, between, decisions, percent, share, worse
from worldvae.diagnostics.finding import Finding
from worldvae.diagnostics.rules.advice import join

# Between sound dreams and held-out windows the ratio of spread and error varies by a tenth.
NARROW, WIDE = 0.67, 1.5
# A difference of variance and squared error that is a hundredth of the variance of training, which
# is a tenth of a deviation, changes nothing that an agent does.
MATTERS = 0.01
# One code in a hundred is expected beyond the limit; a tenth is no chance.
UNSEEN_SHARE = 0.1
# How much larger the error may be on the episodes of one policy than on all of them.
UNEVEN = 2.0


def not_confirmed(evidence: FidelityEvidence) -> Finding | None:
    """Find test episodes on which dreams lose before the horizon that validation ones advise."""
    loss = evidence.judgement.loss
    if loss is None or loss.step > evidence.horizon:
        return None
    return Finding(
        severity="doubtful",
        name="not_confirmed",
        found=f"Test episodes do not confirm the {decisions(evidence.horizon)} for which dreams "
        f"are trusted by validation episodes: {worse(loss)}.",
        advice=join(shorter(evidence.confirmed), MORE_FRAMES),
    )


def drifts(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that from some step on are farther from reality than no prediction at all."""
    codes = evidence.codes
    loss = first_loss((codes, (COPY_LAST, MEAN)))
    if loss is None:
        return None
    step, name = loss.step, loss.baseline
    return Finding(
        severity="doubtful",
        name="drifts",
        found=f"Dreams drift from step {step} on: the error of their mean is "
        f"{codes.error_at(DREAM, step):.2f} there, that of {CODE_BASELINES[name]} "
        f"{codes.error_at(name, step):.2f}.",
        advice=join(
            shorter(min(evidence.horizon, evidence.confirmed)),
            own_samples(evidence.objective),
            LONGER,
            MORE_FRAMES,
        ),
    )


def narrow(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that are surer than they are right."""
    spread = evidence.spread
    for place, step in enumerate(spread.horizons):
        ratio = at(spread.ratio, place)
        if ratio.value < NARROW and ratio.most < 1 and spread.excess[place] < -MATTERS:
            inside = spread.coverage["0.9"].value[place]
            return Finding(
                severity="doubtful",
                name="narrow",
                found=f"Dreams are narrow but wrong: after {decisions(step)} they spread by "
                f"{between(ratio)} of their error, and of the truth {share(inside)} lies in what "
                "they call 90 %.",
                advice=join(
                    f"set dream.temperature: {max(evidence.temperature, 1.15):g} or more",
                    MORE_FRAMES,
                    own_samples(evidence.objective),
                ),
            )
    return None


def wide(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that spread more than they are wrong."""
    spread = evidence.spread
    for place, step in enumerate(spread.horizons):
        ratio = at(spread.ratio, place)
        if ratio.value > WIDE and ratio.least > 1 and spread.excess[place] > MATTERS:
            inside = spread.coverage["0.5"].value[place]
            return Finding(
                severity="doubtful",
                name="wide",
                found=f"Dreams are too wide: after {decisions(step)} they spread by "
                f"{between(ratio)} of their error, and of the truth {share(inside)} lies in what "
                "they call 50 %.",
                advice=join(
                    f"set dream.temperature: {min(evidence.temperature, 0.85):g} or less",
                    *point_codes(evidence.objective),
                    LONGER,
                ),
            )
    return None


def unseen_codes(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams that leave what the encoder has ever made of a training frame."""
    unseen = evidence.unseen
    place = _first_above(unseen.beyond, UNSEEN_SHARE)
    if place is None:
        return None
    step = unseen.horizons[place]
    return Finding(
        severity="doubtful",
        name="unseen_codes",
        found=f"Dreams reach states that were never seen: after {decisions(step)} "
        f"{share(unseen.beyond.value[place])} of them are farther out of what training shows than "
        "99 % of real held-out codes are.",
        advice=join(
            shorter(step),
            wider_play(evidence.policies),
            MORE_FRAMES,
            input_noise(evidence.objective),
        ),
    )


def elsewhere(evidence: FidelityEvidence) -> Finding | None:
    """Find an agent that goes where training has never been."""
    found = evidence.elsewhere
    if found is None or found.value <= UNSEEN_SHARE or found.least <= UNSEEN_SHARE / 2:
        return None
    return Finding(
        severity="doubtful",
        name="elsewhere",
        found=f"The agent goes where training has not been: of what it sees {percent(found)} "
        "is farther from training codes than 99 % of the rollouts' held-out codes are.",
        advice=join(ROUNDS, WIDER_PLAY),
    )


def _first_above(curve: HorizonCurve, limit: float) -> int | None:
    """Return the first place at which a curve is above `limit`, its interval above a half of it."""
    lows = curve.low or curve.value
    places = (
        number
        for number, (value, low) in enumerate(zip(curve.value, lows, strict=True))
        if value > limit and low > limit / 2
    )
    return next(places, None)


def uneven(evidence: FidelityEvidence) -> Finding | None:
    """Find policies on whose episodes dreams are much farther from reality than on others.

    Errors count as shares of those of a standstill and of the mean on the same episodes: of
    livelier play nobody can say as exactly what comes.
    """
    step = max((k for k in evidence.codes.horizons if k <= max(evidence.horizon, 1)), default=1)
    overall = _share_of_baselines(evidence.codes, step)
    ratios = {
        name: _share_of_baselines(loop, step) / max(overall, 1e-9)
        for name, loop in evidence.policies.items()
        if step in loop.horizons and loop.episodes >= FEW_EPISODES
    }
    worst = max(ratios, key=lambda name: ratios[name], default=None)
    if worst is None or ratios[worst] < UNEVEN:
        return None
    return Finding(
        severity="doubtful",
        name="uneven",
        found=f"On episodes that the policy {worst} collected the error after {decisions(step)} is "
        f"{ratios[worst]:.1f} times that on all episodes, beside what a standstill and the mean "
        "err there.",
        advice=join(f"give {worst} a larger weight in rollouts.policies", MORE_FRAMES),
    )


def _share_of_baselines(loop: OpenLoop, step: int) -> float:
    """Return the dreams' error as a share of the smaller one of those that need no model."""
    least = min(loop.error_at(COPY_LAST, step), loop.error_at(MEAN, step))
    return loop.error_at(DREAM, step) / max(least, 1e-9)


def pixels_lost(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams of good codes whose pictures are wrong where something moves.

    To win at one horizon is enough: that a standstill is better at first may be due to the encoder,
    which blurs what it decodes. How far dreams are trusted, codes say, which it does not touch.
    """
    loop = evidence.pixels
    if loop is None or any(loop.beats_all((COPY_LAST, MEAN))):
        return None
    first = loop.horizons[0]
    return Finding(
        severity="doubtful",
        name="pixels_lost",
        found="Where pixels move, decoded dreams are at no horizon clearly nearer to the real "
        f"frames than a standstill and the mean frame are; after {decisions(first)} "
        f"{share(loop.error_at(DREAM, first))} of the deviation from that is lost, "
        f"{share(loop.error_at(RECONSTRUCTION, first))} by the encoder alone.",
        advice=join("see what the encoder loses in its health.html", LONGER, MORE_FRAMES),
    )


def state_lost(evidence: FidelityEvidence) -> Finding | None:
    """Find dreams from which the true state cannot be read, though it can from real codes."""
    loop = evidence.state.loop if evidence.state else None
    if loop is None or any(loop.beats_all((COPY_LAST, MEAN))):
        return None
    first = loop.horizons[0]
    return Finding(
        severity="doubtful",
        name="state_lost",
        found="The true state that dreams show is at no horizon clearly nearer to the real one "
        f"than a standstill and the mean are: error {loop.error_at(DREAM, first):.2f} after "
        f"{decisions(first)}, {loop.error_at(CODE, first):.2f} by real codes.",
        advice=join(LONGER, MORE_FRAMES),
    )
