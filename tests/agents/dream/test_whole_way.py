"""From frames to a report with arms that remember and one that dreams, as small as it goes."""

import csv
import dataclasses
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from agents import compare, fidelity
from agents.arms.registry import ARMS
from agents.config.experiment import Experiment
from agents.fidelity import examine_on_agent
from agents.jobs import local
from agents.prepare import examine_dynamics
from agents.report.sections.fidelity import FIDELITY_CHECK, untrusted
from agents.run.load import read_run
from tests.agents.arms.test_registry import HereAndNow
from tests.checksums import amend
from tests.tiny import load
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY, trusted_words
from worldvae.dynamics.checkpoint import read_dynamics_card
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutStore

NAMES = ("latent", "memory", "untrained_memory", "dream")


@pytest.fixture(scope="module")
def experiment(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A comparison that has been run, on frames and models that were there."""
    runs = shutil.copytree(prepared, tmp_path_factory.mktemp("whole") / "runs")
    arms = {"compare.arms": [*NAMES], "compare.seeds": [0], "compare.workers": 1}
    experiment = load(runs, **arms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "Process", HereAndNow)
        # What a command does to its process is not to be done to this one.
        patch.setattr(compare, "run_command", lambda work, _command: work())
        assert compare.compare(experiment)
    return experiment


def test_each_arm_is_charged_the_stages_that_it_needs(experiment: Experiment) -> None:
    run = read_run(experiment.folder)
    assert run.arms == NAMES
    assert not run.holes
    assert [stage.name for stage in run.needed_stages()] == [
        "collection",
        "pretraining",
        "dynamics",
    ]
    parts = {name: run.stages[name].seconds or 0 for name in run.stages}
    shared = parts["collection"] + parts["pretraining"]
    assert (
        run.known_charge("latent").seconds == run.known_charge("untrained_memory").seconds == shared
    )
    assert run.known_charge("memory").seconds == shared + parts["dynamics"]
    assert run.known_charge("dream") == run.known_charge("memory")
    assert run.known_charge("dream").env_steps == run.known_charge("latent").env_steps > 0


def test_a_dream_costs_no_real_steps(experiment: Experiment) -> None:
    run = read_run(experiment.folder)
    results = {name: run.finished(name)[0] for name in NAMES}
    assert (results["dream"].env_steps, results["dream"].cost.env_steps) == (0, 0)
    assert results["dream"].dreamed_steps >= 1200
    assert all(results[name].dreamed_steps == 0 for name in NAMES[:3])
    assert all(results[name].env_steps >= 1200 for name in NAMES[:3])
    frozen = {name: result.parameters_frozen for name, result in results.items()}
    assert frozen["memory"] == frozen["untrained_memory"] == frozen["dream"] > frozen["latent"]
    with (experiment.folder / "scores.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["arm"] == "dream"]
    assert {int(row["env_steps"]) for row in rows} == {run.known_charge("dream").env_steps}


def test_the_control_differs_in_the_weights_alone(experiment: Experiment) -> None:
    folders = experiment.dynamics_folder, experiment.untrained_dynamics_folder
    trained, untrained = (read_dynamics_card(folder) for folder in folders)
    same = {"trained": False, "scores": {}}
    assert trained.model_copy(update=same) == untrained
    assert trained.trained


def test_the_report_says_what_they_see_and_cost(experiment: Experiment) -> None:
    page = (experiment.folder / "report.html").read_text()
    for arm in NAMES:
        assert ARMS[arm].observation in page
        assert ARMS[arm].colour in page
    assert "minutes of dynamics" in page
    assert "env steps dreamed" in page
    assert "8 numbers of the memory" in page
    assert "The dynamics that remember were never trained." in page
    text = (experiment.folder / "report.md").read_text()
    assert "of collecting, pretraining and learning the dynamics, charged to it" in text
    dreamed = read_run(experiment.folder).finished("dream")[0].dreamed_steps
    assert f"dream 0 env steps and {dreamed:,} dreamed ones" in text
    assert "Not held equal" not in text
    assert "dream has a point for each round of collecting, at its real steps." in page
    assert "The arm dream has another world to train in, too" in text
    assert "Agents of the arms latent, memory, untrained_memory, dream see the frames" in text


def test_the_report_shows_the_fidelity_check_once_there_is_one(experiment: Experiment) -> None:
    assert FIDELITY_CHECK.title not in (experiment.folder / "report.html").read_text()
    check = examine_dynamics(experiment)
    run = read_run(experiment.folder)
    page = unescape(FIDELITY_CHECK.page(run))
    assert f"Verdict: {check.verdict}; {trusted_words(check)}." in page
    for finding in check.findings:
        assert finding.found in page
        assert finding.found in FIDELITY_CHECK.text(run).replace("\\", "")
    assert check.verdict == "unfit", "after six steps of training"
    assert "Scores of the arm dream tell of this dream" in untrusted(run)[0]
    alone = dataclasses.replace(run, agents=run.of("memory"))
    assert untrusted(alone) == []
    amend(experiment.dynamics_folder / "fidelity.json", verdict="superb")
    damaged = FIDELITY_CHECK.page(run)
    assert "dynamics/fidelity.json is damaged." in damaged
    assert f"python -m scripts.dynamics {experiment.folder}/config.yaml" in damaged


def test_an_agent_judges_the_dreams_of_where_it_goes(experiment: Experiment) -> None:
    """Whatever it observes; and what it played is played once."""
    found, folder = examine_on_agent(experiment, "latent", 0, frames=300)
    assert folder == experiment.agent_folder("latent", 0) / "fidelity"
    assert FIDELITY.read(folder).verdict == found.verdict
    assert found.held_out is not None
    played = RolloutStore(found.held_out)
    assert {record.policy for record in played.records} == {"agent"}
    assert played.num_frames >= 300
    assert found.dynamics == str(experiment.dynamics_folder)
    assert found.rollouts == (str(experiment.rollouts_folder),)
    again, _ = examine_on_agent(experiment, "latent", 0, frames=300)
    assert RolloutStore(found.held_out).records == played.records
    assert again.codes == found.codes
    with pytest.raises(WorldvaeError, match="no such folder; did you mean"):
        examine_on_agent(experiment, "pixels", 0, frames=300)


def test_what_else_decides_the_agents_episodes_makes_new_ones(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And code that was changed since the dynamics were learned is told."""
    monkeypatch.setattr(fidelity, "check_fidelity", lambda *_, held_out, **__: held_out)
    monkeypatch.setattr(fidelity, "write_fidelity", lambda *_: None)

    def played(epsilon: float) -> Path:
        rollouts = experiment.rollouts.model_copy(update={"epsilon": epsilon})
        changed = experiment.model_copy(update={"rollouts": rollouts})
        held_out: Any = fidelity.examine_on_agent(changed, "dream", 0, frames=200)[0]
        return Path(held_out.store.folder)

    folders = [played(0.0), played(0.9), played(0.0)]
    assert folders[0] == folders[2] != folders[1]
    for module in ("agents.fidelity", "agents.run.code"):
        monkeypatch.setattr(f"{module}.own_code", lambda _: {"worldvae": "another"})
    with pytest.warns(UserWarning, match="the worldvae was changed since rollouts, agents/"):
        assert played(0.0) not in folders
