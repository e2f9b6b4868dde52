"""The recommendation of a sweep: measured trials in, one beta and its reason out.

As beta rises along a curve, the code costs fewer nats, overfits less, and holds less information.
So the rule is the largest beta whose code still holds KEEP of the information of the best code.
The information is measured by linear probes above their floor; without a true state by the moving
pixels that are kept; if no pixel moves, by all pixels. Of several latent sizes, the smallest one
wins that has such a beta without overfitting.

Held-out numbers are those of the trials' health checks, of test episodes: after a sweep they are no
longer untouched by every choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from agents.sweep.points import Point, Setting
from worldvae.json_files import Content
from worldvae.wording import percent

KEEP = 0.9
MIN_INFORMATION = 0.1
"""A measure on which even the best code stays below this cannot choose between codes."""
MARGIN = 0.1
"""A code overfits if two conditions hold. Its held-out error is more than 1 + MARGIN times its
training error, so that it matters; and the interval over episodes lies above 1, so that it is not
an accident of the split.
"""


class JudgedPoint(Content):
    """A point with the two marks that the figure gives it."""

    point: Point
    kept: float
    """Its information as a share of that of the best code in the sweep."""
    is_beyond: bool
    """Whether its beta is above that of the best point of its curve.

    A code below the best beta holds less information, too, but it lost order and no detail.
    """

    @property
    def loses(self) -> bool:
        """Whether its beta costs details."""
        return self.is_beyond and self.kept < KEEP

    @property
    def overfits(self) -> bool:
        """Whether its code overfits, see MARGIN."""
        ratio, low = self.point.overfitting, self.point.overfitting_low
        return ratio > 1 + MARGIN and low is not None and low > 1


class Choice(Content):
    """The recommendation and the measure behind it; `setting` is None if all codes failed."""

    setting: Setting | None
    reason: str
    judged_by: str
    judged: tuple[JudgedPoint, ...]
    """All points, ordered by latent size and beta."""


def recommend(points: Sequence[Point]) -> Choice:
    """Apply the rule of this module to one or more points."""
    ordered = sorted(points, key=lambda point: (point.latents, point.beta))
    measure, kept = _shares_kept(ordered)
    sizes = sorted({point.latents for point in ordered})
    pairs = list(zip(ordered, kept, strict=True))
    curves = [_judge([pair for pair in pairs if pair[0].latents == size]) for size in sizes]
    judged = tuple(one for curve in curves for one in curve)
    if not any(kept):
        reason = "no code tells anything: try smaller betas (sweep.beta) or more pretrain.steps"
        return Choice(setting=None, reason=reason, judged_by=measure, judged=judged)
    best = [largest for curve in curves if (largest := _largest_keeping(curve))]
    chosen = min(best, key=lambda one: (one.overfits, one.point.latents))
    curve = next(curve for curve in curves if chosen in curve)
    return Choice(
        setting=Setting(latents=chosen.point.latents, beta=chosen.point.beta),
        reason=_reason(chosen, curve, measure, several=len(curves) > 1),
        judged_by=measure,
        judged=judged,
    )


def _judge(curve: Sequence[tuple[Point, float]]) -> list[JudgedPoint]:
    """Mark the points of one latent size; `curve` is ordered by beta."""
    best = max(curve, key=lambda pair: pair[1])[0]
    return [
        JudgedPoint(point=point, kept=kept, is_beyond=point.beta > best.beta)
        for point, kept in curve
    ]


_MEASURES: dict[str, Callable[[Point], float | None]] = {
    "the true state": lambda p: None if p.probes is None else p.probes - max(p.floor or 0.0, 0.0),
    "the moving pixels": lambda p: None if p.lost_moving is None else 1 - p.lost_moving,
    "the pixels": lambda p: None if p.lost is None else 1 - p.lost,
}


def _shares_kept(points: Sequence[Point]) -> tuple[str, list[float]]:
    """Return the first measure that all points have and that one exceeds, and each point's share.

    Shares are relative to the best point. A code without an active latent counts as 0, because any
    score that it has is noise.
    """
    for name, measure in _MEASURES.items():
        values = [measure(point) for point in points]
        scores = [
            max(value, 0.0) if point.active else 0.0
            for point, value in zip(points, values, strict=True)
            if value is not None
        ]
        if len(scores) == len(points) and max(scores) > MIN_INFORMATION:
            return name, [value / max(scores) for value in scores]
    return "the pixels", [0.0] * len(points)


def _largest_keeping(curve: Sequence[JudgedPoint]) -> JudgedPoint | None:
    """Return the last point above the best one before details are lost.

    A larger beta that keeps details again does so by chance, because its neighbour does not.
    """
    best = max(curve, key=lambda one: one.kept)
    keeping = list(takewhile(lambda one: one.kept >= KEEP, curve[curve.index(best) :]))
    return keeping[-1] if keeping else None


def _reason(chosen: JudgedPoint, curve: Sequence[JudgedPoint], measure: str, several: bool) -> str:
    size = f" with {chosen.point.latents} latents" if several else ""
    rule = (
        f"beta {chosen.point.beta:g}{size}: the largest that keeps {percent(KEEP)} of what the "
        f"best code tells of {measure}"
    )
    return "; ".join([rule, _above(chosen, curve), _below(chosen, curve)])


def _above(chosen: JudgedPoint, curve: Sequence[JudgedPoint]) -> str:
    following = curve[curve.index(chosen) + 1 :]
    if not following:
        return "it is the largest tried, so a larger one may do as well"
    return f"the next, {following[0].point.beta:g}, keeps {percent(following[0].kept)}"


def _below(chosen: JudgedPoint, curve: Sequence[JudgedPoint]) -> str:
    """Describe the overfitting of the smaller betas, and that of the chosen one."""
    if all(one.point.overfitting_low is None for one in curve):
        return "overfitting cannot be judged with fewer than two episodes to a split"
    overfitting = [one.point for one in curve if one.overfits]
    if not overfitting:
        return "no beta tried overfits"
    if chosen.overfits:
        error = f"held-out error is {chosen.point.overfitting:.2f} times the training error"
        return f"even so it overfits ({error}): collect more frames"
    worst = overfitting[-1]
    where = f"up to beta {worst.beta:g}" if len(overfitting) > 1 else f"at beta {worst.beta:g}"
    return (
        f"codes overfit {where}, where held-out error is {worst.overfitting:.2f} times the "
        "training error"
    )
