"""Every JSON file of a run is of one model: written, read and written again it is the same."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from gymnasium.spaces import Discrete

import agents
import worldvae
from agents.benchmark.results import BENCHMARK, Results
from agents.compare import plan, report
from agents.config.sections import SweepConfig
from agents.gap.gap_file import GAP, PLAYED
from agents.prepare import examine_dynamics
from agents.run.agent_card import AGENT_CARD
from agents.run.agent_result import EPISODES, EVALUATIONS, RESULT
from agents.run.declared import DECLARED, STUDY_DECLARED, Declaration
from agents.run.drift_log import DRIFT
from agents.run.stage_results import COLLECTION, REFIT
from agents.study.run import study
from agents.study.scores import SCORES
from agents.sweep.choice import recommend
from agents.sweep.write import SWEEP, summary_of
from agents.train import train
from agents.video.play import FILM_RECORD
from tests.agents.benchmark.synthetic import result
from tests.agents.drift.test_watch import REFITTED
from tests.agents.gap.synthetic import Fake, reported
from tests.agents.sweep.synthetic import curve
from tests.commands import workers_forked
from tests.tiny import load
from worldvae.autoencoders.encoder_files import CARD, CONFIG, PRETRAINING
from worldvae.config import Config
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.dynamics.codes import CODES
from worldvae.dynamics.dynamics_files import DYNAMICS_CARD, DYNAMICS_CONFIG, LEARNING
from worldvae.hub.listing import LISTING, listing_of
from worldvae.json_files import Content, JsonFile, JsonLog
from worldvae.rollouts.description import ENV, KEYS, STATE_COLUMNS
from worldvae.rollouts.imported import DATASET, ImportedDataset, RecordedActions
from worldvae.rollouts.keys import RecordedKey, RecordedKeys
from worldvae.rollouts.manifest import MANIFEST
from worldvae.training.metrics_log import METRICS

Kind = JsonFile[Any] | JsonLog[Any]

ENCODERS = ("*encoder", "*/encoders/*/seed_*")
"""Folders of encoders: of a run, of a refresh, and of a study."""

DYNAMICS = ("*dynamics",)
"""Folders of dynamics: of a run, its untrained ones, and of a round."""

KINDS: dict[Kind, tuple[str, ...]] = {
    ENV: ("*/rollouts",),
    STATE_COLUMNS: ("*/rollouts",),
    KEYS: ("*/rollouts",),
    DATASET: ("*/rollouts",),
    MANIFEST: ("*/rollouts",),
    COLLECTION: ("*/rollouts",),
    CONFIG: ENCODERS,
    CARD: ENCODERS,
    PRETRAINING: ENCODERS,
    METRICS: (*ENCODERS, "*/dynamics"),
    HEALTH: ("*/tiny/encoder",),
    DYNAMICS_CONFIG: DYNAMICS,
    DYNAMICS_CARD: DYNAMICS,
    LEARNING: ("*/dynamics",),
    FIDELITY: ("*/tiny/dynamics",),
    CODES: ("*dynamics/codes",),
    DECLARED: ("*/tiny",),
    STUDY_DECLARED: ("*/study",),
    AGENT_CARD: ("*/agents/*/seed_?",),
    RESULT: ("*/agents/*/seed_?",),
    EPISODES: ("*/agents/*/seed_?",),
    EVALUATIONS: ("*/agents/*/seed_?",),
    DRIFT: ("*/agents/*/seed_?",),
    REFIT: ("*/refresh_?", "*/round_?"),
    FILM_RECORD: ("*/tiny",),
    SCORES: ("*/encoders/*/seed_*",),
    SWEEP: ("*/sweep",),
    BENCHMARK: ("*/benchmark",),
    GAP: ("*/gap",),
    LISTING: ("*/hub",),
    PLAYED: ("*/gap",),
}
"""A kind of file -> the folders in which it lies."""

FOREIGN = "*/log/from_*/progress.json"
"""What Stable-Baselines3's own logger writes."""


@pytest.fixture(scope="module")
def left(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a comparison, a refresh, a study, a sweep and a benchmark leave, as small as they go."""
    runs = tmp_path_factory.mktemp("left") / "runs"
    shutil.copytree(prepared, runs)
    (name,) = (path.name for path in runs.iterdir())
    (runs / name).rename(runs / "tiny")
    declared = {"compare.primary": [["latent", "dream"]]}
    amounts = {"compare.seeds": [0], **declared, "dream.rounds": 2, **REFITTED}
    experiment = load(runs, name="tiny", **{"compare.arms": ["latent", "dream"]}, **amounts)
    for arm in experiment.compare.arms:
        train(experiment, arm, 0)
    examine_dynamics(experiment)
    report(experiment.folder, plan(experiment))
    measures = ["probes", "published_probes", "disentanglement"]
    encoders = {"trained": {"steps": 10}, "untrained": {"trained": False}}
    studied = {"name": "study", "study.encoders": encoders, "study.measures": measures}
    with workers_forked():
        assert study(load(runs, **studied, **{"rollouts.state": "always"}))
    KEYS.write(runs / "tiny/rollouts", RecordedKeys(keys=(RecordedKey(name="speed", size=1),)))
    DATASET.write(runs / "tiny/rollouts", imported())
    STUDY_DECLARED.append(runs / "study", Declaration(primary=(("lost",),)))
    SWEEP.write(runs / "sweep", summary_of(SweepConfig(), recommend(curve(lost=(0.0,) * 5))))
    BENCHMARK.write(runs / "benchmark", Results(rows=(result(),)))
    LISTING.write(runs / "hub", listing_of({".": "encoder"}, [("card.json", "0" * 64)]))
    GAP.write(runs / "gap", reported(Fake(), runs / "gap"))
    return runs


def imported() -> ImportedDataset:
    actions = RecordedActions.of(Discrete(3, start=5))
    return ImportedDataset(
        id="me/play-v0", episodes=2, steps=9, whole=True, actions=actions, source_shape=(40, 40, 3)
    )


def files(folder: Path) -> Iterator[Path]:
    """Every JSON file that is not somebody else's."""
    for path in (*folder.rglob("*.json"), *folder.rglob("*.jsonl")):
        if not fnmatch(str(path), FOREIGN):
            yield path


def kinds_of(path: Path) -> list[Kind]:
    return [
        kind
        for kind, folders in KINDS.items()
        if kind.name == path.name and any(fnmatch(str(path.parent), one) for one in folders)
    ]


def declared() -> list[Kind]:
    """Every kind of file that a module of ours declares."""
    found: dict[int, Kind] = {}
    for package in (worldvae, agents):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            values = vars(importlib.import_module(module.name)).values()
            found |= {id(one): one for one in values if isinstance(one, JsonFile | JsonLog)}
    return list(found.values())


def test_each_kind_that_is_declared_is_in_the_table() -> None:
    assert sorted(kind.name for kind in declared()) == sorted(kind.name for kind in KINDS)
    assert all(kind in KINDS for kind in declared())


def test_what_a_run_leaves_is_content_and_a_configuration_only_where_a_user_wrote_it() -> None:
    models = {kind: kind.model for kind in KINDS}
    assert all(issubclass(model, Content) for model in models.values())
    assert [kind for kind, model in models.items() if issubclass(model, Config)] == [ENV]


def test_every_file_is_of_one_kind_and_every_kind_was_left(left: Path) -> None:
    kinds = {path.relative_to(left): kinds_of(path) for path in files(left)}
    assert {path: found for path, found in kinds.items() if len(found) != 1} == {}
    assert {found[0] for found in kinds.values()} == set(KINDS)


def test_what_is_read_and_written_again_has_the_same_bytes(left: Path, tmp_path: Path) -> None:
    for path in files(left):
        (kind,) = kinds_of(path)
        content = kind.read(path.parent)
        kind.write(tmp_path, content)
        assert (tmp_path / kind.name).read_bytes() == path.read_bytes(), path
        assert kind.read(tmp_path) == content
