"""What a comparison takes for its own, and what it makes of what is missing."""

import html
import re
import shutil
import warnings
from pathlib import Path

import pytest
from pydantic import ValidationError

from agents import compare
from agents.compare import plan, report_finished
from agents.config.experiment import Experiment, record_settings
from agents.config.sections import CompareConfig
from agents.run.deciding import DECIDES
from agents.run.declared import declare
from agents.video.play import Played
from tests import tiny
from tests.agents.report.synthetic import write_agent
from worldvae.errors import WorldvaeError

SEVERAL = {
    "worldvae/Dots-v0": {"random_score": 0.0, "reference_score": 10.0},
    "worldvae/BusyDots-v0": {"random_score": 0.0, "reference_score": 10.0},
}


def finish(experiment: Experiment, arm: str, seed: int) -> None:
    folder = experiment.folder / "agents" / arm / f"seed_{seed}"
    write_agent(folder, [1.0], 1200)
    record_settings(folder, experiment, DECIDES)


def test_agents_of_other_settings_are_refused_in_every_arm(tmp_path: Path) -> None:
    finish(tiny.load(tmp_path), "pixels", 7)
    same = tiny.load(tmp_path, **{"compare.arms": ["blind"]})
    assert [job.name for job in plan(same)] == ["blind seed 0", "blind seed 1"]
    other = tiny.load(tmp_path, **{"compare.arms": ["blind"], "agent.gamma": 0.5})
    with pytest.raises(WorldvaeError, match=r"pixels/seed_7 was made with agent\.gamma = 0\.99"):
        plan(other)


@pytest.mark.parametrize(
    ("setting", "value", "users", "others"),
    [
        ("dream.horizon", 7, ["dream"], ["memory", "latent", "pixels"]),
        ("dynamics.window", 5, ["dream", "untrained_memory"], ["latent", "pixels"]),
        ("pretrain.latents", 5, ["memory", "untrained", "finetune"], ["pixels", "state", "blind"]),
        ("rollouts.frames", 900, ["latent", "untrained"], ["pixels", "blind"]),
        ("drift.every", 777, ["latent", "untrained"], ["finetune", "pixels"]),
        ("evaluation.seed", 77, ["pixels", "dream"], []),
    ],
)
def test_a_setting_is_changed_without_agents_that_do_not_use_it(
    setting: str, value: object, users: list[str], others: list[str], tmp_path: Path
) -> None:
    """An agent of pixels took an hour, and nothing of it depends on how long dreams are."""
    chosen = {"compare.arms": [*users, *others], "compare.seeds": [0]}
    for arm in others:
        finish(tiny.load(tmp_path, **chosen), arm, 0)
    changed = tiny.load(tmp_path, **chosen, **{setting: value})
    plan(changed)
    for arm in users:
        finish(tiny.load(tmp_path, **chosen), arm, 0)
        with pytest.raises(WorldvaeError, match=rf"{arm}/seed_0 was made with {setting} = "):
            plan(changed)
        shutil.rmtree(changed.folder / "agents" / arm)


def test_a_declared_comparison_without_one_of_its_arms_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start and in the report; the run goes on, since one arm is a run, too."""
    experiment = tiny.load(
        tmp_path,
        **{
            "compare.arms": ["blind"],
            "compare.seeds": [0],
            "compare.primary": [["blind", "state"], ["pixels", "latent"]],
        },
    )
    finish(experiment, "blind", 0)
    monkeypatch.setattr(compare, "prepare", lambda *_: None)
    told = "blind and state (no state here), pixels and latent (no pixels and no latent here)"
    with pytest.warns(UserWarning, match=f"will not compare: {re.escape(told)}; .* compare.arms"):
        compare.compare(experiment)
    said = f"Declared before the run, and not compared: {told}."
    assert said in html.unescape((experiment.folder / "report.html").read_text())
    assert said in (experiment.folder / "report.md").read_text()


def test_a_declared_comparison_with_an_arm_that_was_trained_before_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the run itself names only one of both arms; nobody is warned that the other lacks."""
    seeds = [*range(5)]
    pair = {"compare.primary": [["blind", "state"]], "compare.seeds": seeds}
    experiment = tiny.load(tmp_path, **pair, **{"compare.arms": ["blind"]})
    for arm in ("state", "blind"):
        for seed in seeds:
            finish(experiment, arm, seed)
        declare(experiment.folder, experiment.compare)
    for name in ("prepare", "film_side_by_side"):
        monkeypatch.setattr(compare, name, lambda *_: None)
    with warnings.catch_warnings(action="error", category=UserWarning):
        assert compare.compare(experiment)
    text = (experiment.folder / "report.md").read_text()
    claim = "this run does not tell (blind and state|state and blind) apart; over n = 5 seeds"
    assert re.search(f"Declared before the run: {claim}", text)
    assert "not compared" not in text


def test_a_report_leaves_what_others_are_writing(tmp_path: Path) -> None:
    experiment = tiny.load(tmp_path, **{"compare.arms": ["blind"]})
    finish(experiment, "blind", 0)
    others = [experiment.folder / name for name in (".play.tmp.webm", ".explorer.html.7.tmp")]
    own = experiment.folder / ".report.html.7.tmp"
    for path in (*others, own):
        path.write_text("")
    report_finished(experiment)
    assert all(path.exists() for path in others)
    assert not own.exists(), "nobody else writes a report meanwhile"


def test_an_environment_that_was_not_begun_is_one_of_holes(tmp_path: Path) -> None:
    experiment = tiny.load(tmp_path, **{"compare.envs": SEVERAL, "compare.arms": ["blind"]})
    finish(experiment.tasks["worldvae/Dots-v0"], "blind", 0)
    report_finished(experiment)
    text = (experiment.folder / "report.md").read_text()
    assert "worldvae-BusyDots-v0/report.html" in text
    busy = experiment.folder / "worldvae-BusyDots-v0" / "report.md"
    assert "0 of 2 agents finished" in busy.read_text()


def test_a_film_that_fails_does_not_cost_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def film(_: Path) -> None:
        values = {"arm": "blind", "seed": 0, "model_sha256": "", "decisions": 1, "ended": True}
        Played.model_validate({**values, "return_": float("nan")})

    with pytest.raises(ValidationError):
        film(tmp_path)
    monkeypatch.setattr(compare, "film_side_by_side", film)
    experiment = tiny.load(tmp_path, **{"compare.arms": ["blind"], "compare.seeds": [0]})
    finish(experiment, "blind", 0)
    with pytest.warns(UserWarning, match="no film of the agents"):
        report_finished(experiment)
    assert (experiment.folder / "report.html").exists()


def test_a_damaged_agent_is_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And until it is, the comparison is not whole."""
    experiment = tiny.load(tmp_path, **{"compare.arms": ["blind"]})
    for seed in (0, 1):
        finish(experiment, "blind", seed)
    path = experiment.agent_folder("blind", 0) / "result.json"
    whole = path.read_text()
    path.write_text(whole.replace("1200", "1201"))
    asked: list[str] = []

    def run(jobs: list[compare.AgentJob], _: CompareConfig) -> None:
        asked.extend(job.name for job in jobs)

    monkeypatch.setattr(compare, "_run", run)
    monkeypatch.setattr(compare, "film_side_by_side", lambda _: None)
    assert not compare.compare(experiment)
    assert asked == ["blind seed 0"]
    assert "damaged, or edited since" in (experiment.folder / "report.md").read_text()
    path.write_text(whole)
    assert compare.compare(experiment)


def test_a_cost_that_is_damaged_leaves_the_comparison_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tiny.load(tmp_path, **{"compare.arms": ["blind"], "compare.seeds": [0]})
    finish(experiment, "blind", 0)
    path = experiment.folder / "rollouts" / "result.json"
    path.parent.mkdir()
    path.write_text("{}")
    monkeypatch.setattr(compare, "film_side_by_side", lambda _: None)
    assert not compare.compare(experiment)
    text = (experiment.folder / "report.md").read_text()
    assert "Damaged, left out" in text
    assert f"{path}: damaged" in text
