"""The recommendation of a sweep: points in, one beta and its reason out.

Along a curve, beta rising: the code costs fewer nats, overfits less, and tells less. So the rule is
the largest beta that still tells nearly all, KEEP of what the best code of the sweep tells. What a
code tells is judged by its probes, above their floor; without a true state by the moving pixels it
keeps; where nothing moves, by all pixels. Of several latent sizes the smallest wins that has such a
beta without overfitting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from agents.sweep.points import Point, Setting
from worldvae.config import Config

KEEP = 0.9
LEAST = 0.1
"""A measure by which even the best code comes no further than this cannot choose between codes."""
MARGIN = 0.1
"""A code overfits if held-out error is beyond 1 + MARGIN times training error, so that it matters,
and the interval over episodes lies above 1, so that it is not the luck of the split."""


class Judged(Config):
    """A point and the two marks it bears in the figure."""

    point: Point
    kept: float
    """What it tells as a share of what the best code of the sweep tells."""
    is_beyond: bool
    """Whether its beta is larger than that of the best point of its curve. A code of too small a
    beta tells less too, but what it lost is order, no detail."""

    @property
    def loses(self) -> bool:
        """Whether details are lost to beta."""
        return self.is_beyond and self.kept < KEEP

    @property
    def overfits(self) -> bool:
        ratio, low = self.point.overfitting, self.point.overfitting_low
        return ratio > 1 + MARGIN and low is not None and low > 1


class Choice(Config):
    """What a sweep recommends, and by which measure; `setting` is None where all codes failed."""

    setting: Setting | None
    reason: str
    judged_by: str
    judged: tuple[Judged, ...]
    """All points, the latent sizes apart and beta rising."""


def recommend(points: Sequence[Point]) -> Choice:
    """The rule above; needs no more than one point."""
    ordered = sorted(points, key=lambda point: (point.latents, point.beta))
    measure, kept = _kept(ordered)
    sizes = sorted({point.latents for point in ordered})
    pairs = list(zip(ordered, kept, strict=True))
    curves = [_judge([pair for pair in pairs if pair[0].latents == size]) for size in sizes]
    judged = tuple(one for curve in curves for one in curve)
    if not any(kept):
        reason = "no code tells anything: try smaller betas (sweep.beta) or more pretrain.steps"
        return Choice(setting=None, reason=reason, judged_by=measure, judged=judged)
    best = [found for curve in curves if (found := _largest_keeping(curve))]
    chosen = min(best, key=lambda one: (one.overfits, one.point.latents))
    curve = next(curve for curve in curves if chosen in curve)
    return Choice(
        setting=Setting(latents=chosen.point.latents, beta=chosen.point.beta),
        reason=_reason(chosen, curve, measure, several=len(curves) > 1),
        judged_by=measure,
        judged=judged,
    )


def _judge(curve: Sequence[tuple[Point, float]]) -> list[Judged]:
    """Points of one latent size, beta rising, and what each keeps."""
    best = max(curve, key=lambda pair: pair[1])[0]
    return [
        Judged(point=point, kept=kept, is_beyond=point.beta > best.beta) for point, kept in curve
    ]


_MEASURES: dict[str, Callable[[Point], float | None]] = {
    "the true state": lambda p: None if p.probes is None else p.probes - max(p.floor or 0.0, 0.0),
    "the moving pixels": lambda p: None if p.lost_moving is None else 1 - p.lost_moving,
    "the pixels": lambda p: None if p.lost is None else 1 - p.lost,
}


def _kept(points: Sequence[Point]) -> tuple[str, list[float]]:
    """The first measure that all points have and some passes, and each as a share of the best.

    A code without an active latent tells nothing, whatever noise its score holds.
    """
    for name, measure in _MEASURES.items():
        values = [measure(point) for point in points]
        told = [
            max(value, 0.0) if point.active else 0.0
            for point, value in zip(points, values, strict=True)
            if value is not None
        ]
        if len(told) == len(points) and max(told) > LEAST:
            return name, [value / max(told) for value in told]
    return "the pixels", [0.0] * len(points)


def _largest_keeping(curve: Sequence[Judged]) -> Judged | None:
    """Up from the best point of a curve, the last one before details are lost.

    A point beyond that keeps them by luck: its neighbour does not.
    """
    best = max(curve, key=lambda one: one.kept)
    keeping = list(takewhile(lambda one: one.kept >= KEEP, curve[curve.index(best) :]))
    return keeping[-1] if keeping else None


def _reason(chosen: Judged, curve: Sequence[Judged], measure: str, several: bool) -> str:
    size = f" with {chosen.point.latents} latents" if several else ""
    head = (
        f"beta {chosen.point.beta:g}{size}: the largest that keeps {KEEP:.0%} of what the best "
        f"code tells of {measure}"
    )
    return "; ".join([head, _above(chosen, curve), _below(chosen, curve)])


def _above(chosen: Judged, curve: Sequence[Judged]) -> str:
    following = curve[curve.index(chosen) + 1 :]
    if not following:
        return "it is the largest tried, so a larger one may do as well"
    return f"the next, {following[0].point.beta:g}, keeps {following[0].kept:.0%}"


def _below(chosen: Judged, curve: Sequence[Judged]) -> str:
    """What is known of overfitting, and whether the chosen one is free of it."""
    if all(one.point.overfitting_low is None for one in curve):
        return "overfitting cannot be judged with fewer than two episodes to a split"
    guilty = [one.point for one in curve if one.overfits]
    if not guilty:
        return "no beta tried overfits"
    if chosen.overfits:
        worse = f"held-out error is {chosen.point.overfitting:.2f} times the training error"
        return f"even so it overfits ({worse}): collect more frames"
    worst = guilty[-1]
    where = f"up to beta {worst.beta:g}" if len(guilty) > 1 else f"at beta {worst.beta:g}"
    return (
        f"codes overfit {where}, where held-out error is {worst.overfitting:.2f} times the "
        "training error"
    )
