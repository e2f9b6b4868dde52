"""Which trials are run, tried again, given up or left alone; the trials themselves are faked."""

import optuna
import pytest

from agents.config.experiment import Experiment
from agents.jobs import local, pool
from agents.sweep.curve import BetaCurve
from agents.sweep.points import Point
from agents.sweep.pruner import CollapsePruner
from agents.sweep.trial import SweepTask
from tests.agents.sweep.synthetic import point
from tests.tiny import TINY
from worldvae.checksum import read_checked_as, write_checked
from worldvae.errors import WorldvaeError
from worldvae.jsonl import append_jsonl
from worldvae.training.metrics_log import METRICS, MetricsLine


class World:
    """In place of processes: a trial ends at once, as `outcome` says of its beta."""

    def __init__(self):
        self.started, self.outcome, self.rates = [], {}, {}

    def process(self, work, log, threads, shares):
        assert threads >= 1
        _task, setting = work.args
        return FakeProcess(self, log.parent, setting.beta)


class FakeProcess:
    error_message = "error: training diverged"

    def __init__(self, world, folder, beta):
        world.started.append(beta)
        folder.mkdir(parents=True, exist_ok=True)
        for step, rate in enumerate(world.rates.get(beta, [])):
            measured = {"seconds": 1.0, "loss": rate, "rate": rate}
            line = MetricsLine(step=10 * (step + 1), split="validation", **measured)
            METRICS.append(folder, line)
        outcome = world.outcome.get(beta, "completes")
        if outcome == "kills the sweep":
            raise KeyboardInterrupt
        if outcome == "completes":
            write_checked(folder / "health.json", point(beta))
        self.exit_code = {"completes": 0, "fails": 1}.get(outcome)

    def terminate(self):
        self.exit_code = -15

    def wait(self):
        assert self.exit_code is not None


@pytest.fixture
def world(monkeypatch):
    world = World()
    monkeypatch.setattr(local, "Process", world.process)
    monkeypatch.setattr(pool, "POLL_SECONDS", 0.0)
    read = lambda _, folder: read_checked_as(folder / "health.json", Point, "")  # noqa: E731
    monkeypatch.setattr(Point, "read", read)
    return world


@pytest.fixture
def make(tmp_path):
    def make(name="x", **sweep):
        settings = {"beta": [0.01, 100.0], "trials": 5, **sweep}
        overrides = {f"sweep.{key}": value for key, value in settings.items()}
        experiment = Experiment.load(TINY, {"runs": str(tmp_path), "name": name, **overrides})
        experiment.sweep_folder.mkdir(parents=True, exist_ok=True)
        return BetaCurve(SweepTask.of(experiment), 4)

    return make


def betas(curve, state="complete"):
    return [setting.beta for setting, found in curve.states().items() if found == state]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_even_grid_its_ends_first(world, make, workers):
    curve = make(workers=workers)
    curve.run()
    assert world.started == [100.0, 0.01, 0.1, 1.0, 10.0]
    assert betas(curve) == [0.01, 0.1, 1.0, 10.0, 100.0]
    assert [point.beta for point in curve.points()] == betas(curve)


def test_finished_trials_are_not_repeated_and_more_may_be_asked_for(world, make):
    make().run()
    make().run()
    assert len(world.started) == 5
    make(trials=3, beta=[0.1, 1000.0]).run()
    assert world.started[5:] == [1000.0], "0.1 and 10 are known"
    make(trials=1).run()
    assert len(world.started) == 6


def test_a_trial_that_the_sweep_was_killed_in_is_retried(world, make):
    world.outcome = {1.0: "kills the sweep"}
    with pytest.raises(KeyboardInterrupt):
        make().run()
    world.outcome = {}
    curve = make()
    curve.run()
    assert world.started == [100.0, 0.01, 0.1, 1.0, 1.0, 10.0]
    assert betas(curve) == [0.01, 0.1, 1.0, 10.0, 100.0]


def test_half_a_line_that_a_kill_left_is_dropped(world, make):
    curve = make()
    journal = curve.task.folder / "journal.log"
    curve.run()
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "work')
    again = make(trials=9)
    again.run()
    assert len(betas(again)) == 9
    assert len(world.started) == 9


@pytest.mark.parametrize("line", [0, 7, -1])
def test_a_damaged_journal_is_one_line_and_nothing_is_trained_twice(world, make, line):
    curve = make()
    journal = curve.task.folder / "journal.log"
    curve.run()
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"op_code": ', b'"op_code": 1')
    journal.write_bytes(b"".join(lines))
    number = range(1, len(lines) + 1)[line]
    with pytest.raises(
        WorldvaeError, match=rf"journal\.log: line {number} is damaged; remove the file"
    ):
        make()


def test_a_journal_that_optuna_cannot_follow_is_one_line(world, make):
    journal = make().task.folder / "journal.log"
    append_jsonl(journal, {"op_code": 99, "worker_id": "x"})
    with pytest.raises(
        WorldvaeError, match=r"journal\.log: Optuna cannot make sense of it \(Asserti"
    ):
        make()


def test_a_damaged_measurement_is_made_again(world, make):
    curve = make()
    curve.run()
    path = curve.task.folder / "latents_4_beta_1" / "health.json"
    path.write_text(path.read_text().replace("rate", "rat3"))
    assert betas(curve, "failed") == [1.0]


def test_curves_of_one_journal_see_what_the_other_has_written(world, make):
    curve = make()
    other = BetaCurve(curve.task, 8)
    curve.run()
    other.run()
    again = make()
    assert betas(again) == betas(curve)
    assert betas(BetaCurve(curve.task, 8)) == betas(other)
    assert len(world.started) == 10


def test_a_trial_enqueued_before_a_kill_is_run_once(world, make):
    curve = make()
    curve.study.enqueue_trial({"beta": 1.0}, user_attrs={"beta": 1.0})
    again = make()
    again.run()
    assert sorted(world.started) == [0.01, 0.1, 1.0, 10.0, 100.0]


def test_a_failed_trial_is_told_skipped_and_tried_again_by_the_next_call(world, make, capsys):
    world.outcome = {0.1: "fails"}
    curve = make()
    curve.run()
    log = curve.task.folder / "latents_4_beta_0.1" / "trial.log"
    line = f"latents_4_beta_0.1 failed (see {log}): error: training diverged\n"
    assert line in capsys.readouterr().err
    assert betas(curve, "failed") == [0.1]
    world.outcome = {}
    again = make()
    again.run()
    assert world.started[5:] == [0.1]
    assert betas(again, "failed") == []


def test_a_folder_that_was_removed_is_made_again(world, make):
    curve = make()
    curve.run()
    (curve.task.folder / "latents_4_beta_1" / "health.json").unlink()
    assert betas(curve, "failed") == [1.0]
    make().run()
    assert world.started[5:] == [1.0]


def test_optuna_places_the_rest_inside_the_range(world, make):
    curve = make(refine=3)
    curve.run()
    drawn = world.started[5:]
    assert len(set(drawn)) == 3
    assert all(0.01 <= beta <= 100 for beta in drawn)
    make(refine=3).run()
    assert len(world.started) == 8
    make(refine=4).run()
    assert len(world.started) == 9


def test_how_many_work_at_once_changes_no_beta(world, make):
    drawn = []
    for workers in (1, 2, 3, 8):
        curve = make(refine=3, workers=workers, name=f"by_{workers}")
        curve.run()
        drawn.append(world.started[-3:])
    assert drawn == drawn[:1] * 4


@pytest.mark.parametrize("prune", [True, False])
def test_a_collapsed_trial_is_given_up_unless_pruning_is_off(world, make, prune):
    """The tiny experiment has 20 steps; evaluations are at 10 and 20."""
    world.rates = {100.0: [0.0, 0.0], 10.0: [0.0, 0.0], 1.0: [5.0, 5.0], 0.01: [9.0, 9.0]}
    world.outcome = {10.0: "hangs"} if prune else {}
    curve = make(prune=prune)
    curve.run()
    assert betas(curve, "pruned") == ([10.0] if prune else [])
    assert 1.0 in betas(curve)
    world.outcome = {}
    make(prune=prune).run()
    assert len(world.started) == 5, "what was given up is not tried again"
    make(prune=False).run()
    assert world.started[5:] == ([10.0] if prune else [])


@pytest.mark.parametrize(
    ("beta", "rates", "largest", "expected"),
    [
        (1.0, [0.0, 0.0], [0.0, 0.0], True),
        (1.0, [0.0], [0.0, 0.0], False),  # too early
        (1.0, [0.0, 2.0], [0.0, 0.0], False),  # it has recovered
        (1.0, [0.0, 0.0], [0.0, 3.0], False),  # the end does not show a collapse
        (0.01, [0.0, 0.0], [0.0, 0.0], False),  # the smallest
        (100.0, [0.0, 0.0], [0.0, 0.0], False),  # the largest
    ],
)
def test_what_the_pruner_gives_up(beta, rates, largest, expected):
    study = optuna.create_study(pruner=CollapsePruner(warmup=20))
    reports = {0.01: [5.0, 5.0], 100.0: largest, beta: rates}
    for value, reported in reports.items():
        study.enqueue_trial({"beta": value})
        trial = study.ask()
        trial.suggest_float("beta", 0.01, 100, log=True)
        for step, rate in enumerate(reported):
            trial.report(rate, 10 * (step + 1))
    judged = next(trial for trial in study.get_trials() if trial.params["beta"] == beta)
    assert study.pruner.prune(study, judged) is expected
