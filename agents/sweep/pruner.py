"""Decides which trials of a sweep are not worth finishing."""

from __future__ import annotations

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

COLLAPSED = 0.1
"""A code of fewer nats per frame holds no information."""


class CollapsePruner(BasePruner):
    """Gives up a trial whose code has collapsed, if that of the largest beta has, too.

    Losses of different betas have different units, and a median or halving rule on held-out errors
    would cut off the larger half of the betas, which is half of the curve. The rate is in nats
    whatever beta is, and one collapsed code shows what all of them show. So the largest and the
    smallest beta are always finished, and both run first.
    """

    def __init__(self, warmup: int) -> None:
        self.warmup = warmup
        """Steps before a trial is judged: many codes look collapsed at first."""

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        step = trial.last_step
        states = (TrialState.RUNNING, TrialState.COMPLETE)
        trials = study.get_trials(deepcopy=False, states=states)
        betas = {other.params["beta"]: other for other in trials if "beta" in other.params}
        if step is None or step < self.warmup:
            return False
        is_end = not min(betas) < trial.params["beta"] < max(betas)
        return not is_end and _is_collapsed(trial) and _is_collapsed(betas[max(betas)])


def _is_collapsed(trial: FrozenTrial) -> bool:
    """Return whether the last reported rate is below COLLAPSED."""
    step = trial.last_step
    return step is not None and trial.intermediate_values[step] < COLLAPSED
