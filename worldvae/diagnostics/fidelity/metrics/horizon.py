"""How far dreams can be trusted: up to where no baseline is better, in both errors."""

from __future__ import annotations

from dataclasses import dataclass

from worldvae.diagnostics.fidelity.metrics.open_loop import (
    BLIND,
    CLIMATOLOGY,
    COPY_LAST,
    MEAN,
    UNTRAINED,
    OpenLoop,
)

LEAST_WON = 0.5
"""Of the horizons up to a trusted one, the share at which dreams have to beat all baselines."""


@dataclass(frozen=True)
class Loss:
    """A horizon at which dreams are clearly worse than a baseline."""

    step: int
    baseline: str
    loop: OpenLoop
    """The errors of which that is true."""


def first_loss(*opponents: tuple[OpenLoop, tuple[str, ...]]) -> Loss | None:
    """Return the first horizon at which dreams are clearly worse than a baseline.

    Args:
        opponents: Errors, each with the baselines that count.
    """
    losses = (
        Loss(step, name, loop)
        for loop, others in opponents
        for name in others
        for step, lost in zip(loop.horizons, loop.loses(name), strict=True)
        if lost
    )
    return min(losses, key=lambda each: each.step, default=None)


@dataclass(frozen=True)
class HorizonJudgement:
    """The errors of dreams of the same windows beside those that they have to be below."""

    codes: OpenLoop
    """Squared errors of the means of dreams."""
    energy: OpenLoop
    """Energy scores."""
    acted: bool
    """Whether actions are known to matter; if not, dreams need not gain by them."""

    @property
    def wins(self) -> tuple[int, ...]:
        """The horizons at which dreams beat all baselines in both errors."""
        both = zip(*(loop.beats_all(others) for loop, others in self._opponents), strict=True)
        return tuple(step for step, won in zip(self.codes.horizons, both, strict=True) if all(won))

    @property
    def loss(self) -> Loss | None:
        """The first horizon at which dreams are clearly worse than a baseline in either error."""
        return first_loss(*self._opponents)

    @property
    def horizon(self) -> int:
        """The last win before the first loss up to which most horizons are wins, 0 if none is.

        A dream goes through all its decisions, so that nothing is trusted which comes after a loss.
        A horizon that is not decided is no loss: where frames hardly change within a step, a
        standstill is as good as the truth. But of a dozen horizons chance wins one now and then, so
        that a win does not count among many which are not decided.
        """
        loss = self.loss
        wins = [step for step in self.wins if loss is None or step < loss.step]
        judged = {step: place + 1 for place, step in enumerate(self.codes.horizons)}
        enough = (
            step for count, step in enumerate(wins, start=1) if count >= LEAST_WON * judged[step]
        )
        return max(enough, default=0)

    @property
    def _opponents(self) -> tuple[tuple[OpenLoop, tuple[str, ...]], ...]:
        """Each error with the baselines that it is compared with."""
        others = (BLIND, UNTRAINED) if self.acted else (UNTRAINED,)
        return (
            (self.codes, (COPY_LAST, MEAN, *others)),
            (self.energy, (COPY_LAST, CLIMATOLOGY, *others)),
        )
