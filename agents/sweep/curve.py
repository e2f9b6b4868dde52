"""Runs the missing trials of one latent size, which form an Optuna study."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import optuna
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from agents.jobs.live_view import View
from agents.jobs.local import LocalProcesses
from agents.jobs.pool import Pool
from agents.jobs.progress import Progress, encoder_progress
from agents.sweep.journal import JOURNAL_REMEDY, Journal
from agents.sweep.points import Point, Setting
from agents.sweep.points import TrialState as State
from agents.sweep.pruner import CollapsePruner
from agents.sweep.trial import SweepTask, run_trial
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.seeding import derive
from worldvae.training.metrics_log import METRICS

WAITING = TrialState.WAITING


@dataclass
class TrialJob:
    """A trial that runs in a process of its own."""

    setting: Setting
    task: SweepTask
    trial: Trial
    reported: int = -1

    @property
    def name(self) -> str:
        return self.setting.name

    @property
    def folder(self) -> Path:
        return self.task.folder / self.name

    @property
    def log(self) -> Path:
        return self.folder / "trial.log"

    @property
    def work(self) -> Callable[[], object]:
        return partial(run_trial, self.task, self.setting)

    @property
    def progress(self) -> Progress:
        return encoder_progress(self.folder, self.task.pretrain.steps)

    def report(self) -> None:
        """Report the evaluations since the last call to Optuna."""
        for line in METRICS.read(self.folder):
            if line.split == "validation" and line.step > self.reported:
                self.reported = line.step
                self.trial.report(line.metrics["rate"], self.reported)

    @property
    def should_stop(self) -> bool:
        """Whether the pruner gives up the trial after its newest evaluation."""
        self.report()
        return self.trial.should_prune()


class BetaCurve:
    """All trials of one latent size; the caller holds the sweep's lock."""

    def __init__(self, task: SweepTask, latents: int) -> None:
        self.task, self.latents, self.config = task, latents, task.sweep
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        pruner = CollapsePruner(warmup=task.pretrain.steps // 2)
        self.study = _study(
            task.folder / "journal.log",
            f"latents_{latents}",
            pruner if self.config.prune else NopPruner(),
        )
        # A resumed sweep must not draw the same betas again.
        seed = derive(task.seed, "sweep", len(self.study.trials))
        self.study.sampler = TPESampler(n_startup_trials=1, seed=seed)

    def run(self) -> None:
        """Run the trials that are not complete; with pruning on, pruned ones count as complete.

        What the sampler chooses follows from the outcomes that it was told. So it chooses one trial
        after the other, when all before have ended: neither workers nor timing change the betas.
        """
        plan = self._plan()
        grid = [setting for setting in plan if setting]
        rounds: list[Sequence[Setting | None]] = [grid, *([None] for _ in plan[len(grid) :])]
        with (
            View(f"{self.latents} latents", len(plan)) as view,
            Pool[TrialJob](LocalProcesses(self.config.workers), view) as pool,
        ):
            for settings in rounds:
                self._run(pool, settings)

    def _run(self, pool: Pool[TrialJob], settings: Sequence[Setting | None]) -> None:
        """Run trials until all have ended, and tell the study how."""
        for ended in pool.run(map(self._job, settings)):
            for job, succeeded in ended:
                self._tell(job, succeeded)
            pruned = [job for job in pool.running if job.should_stop]
            for job in pruned:
                pool.stop(job)
                self.study.tell(job.trial, state=TrialState.PRUNED)

    def states(self) -> dict[Setting, State]:
        """Return how each setting ended, by rising beta.

        The best end counts if there were several.
        """
        names: dict[TrialState, State] = {
            TrialState.FAIL: "failed",
            TrialState.PRUNED: "pruned",
            TrialState.COMPLETE: "complete",
        }
        states: dict[Setting, State] = {}
        for state, name in names.items():
            for trial in self._trials(state):
                if "beta" in trial.params:
                    setting = self._setting(trial)
                    is_lost = name == "complete" and not HEALTH.is_whole(self._folder(setting))
                    states[setting] = "failed" if is_lost else name
        return {setting: states[setting] for setting in sorted(states, key=lambda one: one.beta)}

    def points(self) -> list[Point]:
        """Return the measurements of the complete trials."""
        complete = [setting for setting, state in self.states().items() if state == "complete"]
        return [Point.read(setting, self._folder(setting)) for setting in complete]

    def _plan(self) -> list[Setting | None]:
        """Return the settings to try, in order; for None the sampler chooses one."""
        stale = self._trials(TrialState.RUNNING)
        for trial in stale:  # no other process runs them, because the sweep is locked
            self.study.tell(trial.number, state=TrialState.FAIL)
        started = [self._setting(trial) for trial in stale if "beta" in trial.params]
        # A trial that a kill left in the study's queue comes first.
        queued = [self._rounded(trial.user_attrs["beta"]) for trial in self._trials(WAITING)]
        grid, done = list(self._grid()), self._done()
        settings = dict.fromkeys([*queued, *grid, *started])
        missing = [setting for setting in settings if setting in queued or setting not in done]
        drawn = {*done, *missing}.difference(grid)
        return [*missing, *[None] * (self.config.refine - len(drawn))]

    def _grid(self) -> Iterator[Setting]:
        """Yield the largest and the smallest beta first, because the pruner needs the ends."""
        betas = np.geomspace(*self.config.beta, self.config.trials)
        for beta in (*betas[-1:], *betas[:-1]):
            yield self._rounded(beta)

    def _done(self) -> set[Setting]:
        """Return the settings that need no further trial."""
        ends = ("complete", "pruned") if self.config.prune else ("complete",)
        return {setting for setting, state in self.states().items() if state in ends}

    def _job(self, setting: Setting | None) -> TrialJob:
        if setting and not self._trials(WAITING):
            beta = {"beta": setting.beta}
            self.study.enqueue_trial(beta, user_attrs=beta)
        trial = self.study.ask()
        trial.suggest_float("beta", *self._range(), log=True)
        return TrialJob(self._setting(trial), self.task, trial)

    def _tell(self, job: TrialJob, succeeded: bool) -> None:
        """Report the outcome and the last evaluations of a trial to the study."""
        job.report()
        if succeeded:
            self.study.tell(job.trial, Point.read(job.setting, job.folder).mse_held_out)
        else:
            self.study.tell(job.trial, state=TrialState.FAIL)

    def _range(self) -> tuple[float, float]:
        """Return the range of beta, widened to the grid's rounded ends, or Optuna would warn."""
        low, high = self.config.beta
        return min(low, self._rounded(low).beta), max(high, self._rounded(high).beta)

    def _rounded(self, beta: float) -> Setting:
        return Setting.of(self.latents, beta)

    def _setting(self, trial: Trial | FrozenTrial) -> Setting:
        return self._rounded(trial.params["beta"])

    def _trials(self, state: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(state,))

    def _folder(self, setting: Setting) -> Path:
        return self.task.folder / setting.name


def _study(path: Path, name: str, pruner: BasePruner) -> optuna.Study:
    """Load the study from the journal at `path`; create it if it is new."""
    try:
        return optuna.create_study(
            storage=JournalStorage(Journal(path)),
            study_name=name,
            load_if_exists=True,
            direction="minimize",
            pruner=pruner,
        )
    except WorldvaeError:
        raise
    except Exception as error:  # noqa: BLE001  # for missing lines Optuna raises any error
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ArtifactError(
            f"{path}: Optuna cannot make sense of it ({reason}); {JOURNAL_REMEDY}"
        ) from None
