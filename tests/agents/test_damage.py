"""Every kind of file that a run leaves, damaged at random: told, made again, or harmless.

A reader is what a user would run. It gives what it found, and what it said of damage; without a
word what it found has to be what it finds in a whole run. With WORLDVAE_DAMAGES=2000 so many are
tried, with WORLDVAE_DAMAGE_SEED=1 others, and `-s` prints what became of them.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.config.experiment import Experiment, check_settings
from agents.drift.outliers import read_outliers
from agents.policy.agent import Agent
from agents.policy.checkpoint import load_replay
from agents.report.html import write_report
from agents.report.sections.drift import drift_text
from agents.report.sections.films import agent_films
from agents.report.sections.health import HEALTH_CHECK
from agents.report.summary import summarise
from agents.run.agent_card import read_card
from agents.run.agent_files import is_finished
from agents.run.collection import read_collection_result
from agents.run.deciding import DECIDES
from agents.run.load import read_run
from agents.study.cells import Cell, grid, make
from agents.sweep.curve import BetaCurve
from agents.sweep.points import Point, Setting
from agents.sweep.trial import SweepTask
from agents.train import train
from agents.video.play import evaluation_settings, film_side_by_side, read_film
from tests.agents.drift.test_watch import REFITTED
from tests.damage import HARMS, damaged
from tests.tiny import load
from tests.training.test_fit import train as fit_a_little
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.pretrain import make_untrained_encoder, pretrain
from worldvae.checksum import is_intact, write_checked_bytes
from worldvae.config import to_yaml
from worldvae.diagnostics.page import figures
from worldvae.dynamics.checkpoint import hash_dynamics
from worldvae.dynamics.codes import encode_rollouts
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.learn import learn_dynamics, make_untrained_dynamics
from worldvae.errors import WorldvaeError
from worldvae.fingerprint import Fingerprint
from worldvae.rollouts import RolloutStore
from worldvae.seeding import derive, numpy_stream
from worldvae.stats import Resampling

TRIED = int(os.environ.get("WORLDVAE_DAMAGES", "0"))
SEED = int(os.environ.get("WORLDVAE_DAMAGE_SEED", "0"))
EACH = 12
"""Damages of each kind of file, where nothing else is asked for."""

AGAIN = "does not count as done, and is made again"

DQN = {
    "algorithm": "DQN",
    "num_envs": 2,
    "env_steps": 200,
    "checkpoint_every": 100,
    "settings": {"learning_starts": 20, "buffer_size": 200, "batch_size": 16, "train_freq": 4},
}

UNREAD = {
    r".*/tensorboard/.*|.*/log/.*": "curves of TensorBoard and Stable-Baselines3's own log",
    r".*/(train|study|trial)\.log": "what a process printed",
    r".*\.lock|.*/\..*\.lock": "a lock has no content",
    r".*/contact_sheet\.png|.*/strangest\.png": "drawn anew each time",
    r".*/health\.html|.*/report\.(html|md)|.*/scores\.csv": "written anew each time",
    r".*/tiny/encoder/metrics\.jsonl": "drawn already, as training.png",
    r".*/tiny/dynamics/metrics\.jsonl": "the curves of a training that is over",
    r".*/refresh_1/encoder/(made_with\.yaml|result\.json)": "of a refit, which a card names",
    r".*/refresh_1/encoder/.*\.(png|jsonl)": "of a refit: shown nowhere",
    r".*/refresh_1/result\.json": "added up in the agent's card, which is sealed",
}
"""What no command reads of a finished run, and why: they are removed before anything is tried."""

Reading = tuple[object, str]
"""What was found, and what was said of damage."""


@dataclass(frozen=True)
class Whole:
    """A run with everything that a run can leave, and its experiments."""

    root: Path

    @property
    def experiment(self) -> Experiment:
        return load(self.root, name="tiny", **REFITTED)

    @property
    def folder(self) -> Path:
        return self.experiment.folder

    @property
    def cell(self) -> Cell:
        encoders = {"study.encoders": {"small": {"trained": False, "latents": 2}}}
        (cell,) = grid(load(self.root, name="study", **encoders, **{"study.measures": []}))
        return cell

    def run_of(self, path: Path) -> Path:
        """The run that `path` is part of."""
        return self.root / path.relative_to(self.root).parts[0]

    @property
    def replayed(self) -> Experiment:
        return load(self.root, name="dqn", **{f"agent.{key}": value for key, value in DQN.items()})


@pytest.fixture(scope="module")
def whole(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Made once; each damage is taken back."""
    root = tmp_path_factory.mktemp("damaged") / "runs"
    (made,) = prepared.iterdir()
    shutil.copytree(made, root / "tiny")
    whole = Whole(root)
    experiment = whole.experiment
    with warnings.catch_warnings(action="ignore"):
        train(experiment, "latent", 0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("agents.train._finish", lambda *_: None)  # it deletes the buffer
            train(whole.replayed, "blind", 0)
        shutil.copytree(whole.folder / "rollouts", whole.cell.experiment.rollouts_folder)
        make(whole.cell)
    write_checked_bytes(whole.folder / "config.yaml", to_yaml(experiment).encode())
    film_side_by_side(whole.folder)
    fit_a_little(root / "fit")
    _sweep(experiment)
    for path in files(root):
        if any(re.fullmatch(name, path.as_posix()) for name in UNREAD):
            path.unlink()
    return whole


def _sweep(experiment: Experiment) -> None:
    """A curve of one trial, whose encoder is that of the run."""
    folder = experiment.sweep_folder / Setting.of(4, 1.0).name
    folder.mkdir(parents=True)
    shutil.copy(experiment.encoder_folder / "health.json", folder)
    study = BetaCurve(SweepTask.of(experiment), 4).study
    study.enqueue_trial({"beta": 1.0})
    trial = study.ask()
    trial.suggest_float("beta", 0.01, 100, log=True)
    study.tell(trial, 0.5)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def weights(folder: Path) -> bytes:
    policy = Agent.load(folder).model.policy
    return torch.cat([one.detach().flatten() for one in policy.parameters()]).numpy().tobytes()


def read_store(path: Path, whole: Whole) -> Reading:
    store = RolloutStore(path.parent)
    kept = store.healthy()
    arrays = [{k: v.tolist() for k, v in store.arrays(one).items()} for one in kept]
    frames = [np.asarray(store.frames(one)).tobytes() for one in kept]
    return (store.env, kept, store.state_variables, arrays, frames), ""


def read_collection(path: Path, whole: Whole) -> Reading:
    run, told = read_run(whole.run_of(path)), read_collection_result(path.parent)
    said = AGAIN + "".join(hole.state for hole in run.holes)
    return (told, run.stages.get("collection")), said if told is None else ""


def read_encoder(path: Path, whole: Whole) -> Reading:
    encoder = Encoder.load(path.parent, backend="torch")
    frames = np.arange(2 * 40 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(2, 40, 40, 3)
    codes = encoder.whiten(encoder.encode(frames)).tobytes()
    return (codes, encoder.card, hash_encoder(path.parent)), ""


def read_pretrained(path: Path, whole: Whole) -> Reading:
    experiment = whole.experiment
    store, config = RolloutStore(experiment.rollouts_folder), experiment.pretrain
    pretrain(store, config, path.parent, experiment.seed)
    run = read_run(whole.folder)
    return (run.stages.get("pretraining"), run.known_charge("latent")), ""


def read_untrained(path: Path, whole: Whole) -> Reading:
    experiment = whole.cell.experiment if "study" in path.parts else whole.experiment
    store, config = RolloutStore(experiment.rollouts_folder), experiment.pretrain
    return make_untrained_encoder(store, config, path.parent, experiment.seed).card, ""


def read_dynamics(path: Path, whole: Whole) -> Reading:
    source = DreamSource.load(path.parent)
    begun = source.starts.code.numpy().tobytes(), source.starts.carried.numpy().tobytes()
    return (begun, source.card, hash_dynamics(path.parent)), ""


def read_learned(path: Path, whole: Whole) -> Reading:
    experiment, is_control = whole.experiment, "untrained" in path.parent.name
    store = RolloutStore(experiment.rollouts_folder)
    learn = make_untrained_dynamics if is_control else learn_dynamics
    made = experiment.encoder_folder, experiment.dynamics, path.parent, experiment.seed
    learn(store, *made)
    run = read_run(whole.folder)
    return (run.stages.get("dynamics"), run.known_charge("memory")), ""


def read_codes(path: Path, whole: Whole) -> Reading:
    folder = whole.experiment.encoder_folder
    store, encoder = RolloutStore(whole.experiment.rollouts_folder), Encoder.load(folder)
    encoded = encode_rollouts(store, encoder, hash_encoder(folder), path.parent)
    codes = [np.round(encoded.codes(record)[0], 4).tolist() for record in encoded.records]
    return codes, ""


def read_settings(path: Path, whole: Whole) -> Reading:
    Fingerprint.read(path)
    owner = whole.replayed if "dqn" in path.parts else whole.experiment
    if "agents" in path.parts:
        check_settings(path.parent, owner, DECIDES)
    return evaluation_settings(path.parent), ""


def read_health(path: Path, whole: Whole) -> Reading:
    text = HEALTH_CHECK.text(read_run(whole.folder))
    return text, AGAIN if not is_intact(path) and "damaged" in text else ""


def read_picture(path: Path, whole: Whole) -> Reading:
    shown = figures.picture(path.parent, path.name)
    return shown, shown if "Left out" in shown else ""


def read_agent(path: Path, whole: Whole) -> Reading:
    return (read_card(path.parent), weights(path.parent)), ""


def read_buffer(path: Path, whole: Whole) -> Reading:
    card, agent = read_card(path.parent), Agent.load(path.parent)
    load_replay(path.parent, card, agent.model)
    return agent.model.replay_buffer.observations.tobytes(), ""


def read_result(path: Path, whole: Whole) -> Reading:
    run = read_run(whole.run_of(path))
    said = AGAIN + "".join(hole.state for hole in run.holes)
    return run.results, "" if is_finished(path.parent) else said


def read_log(path: Path, whole: Whole) -> Reading:
    run = read_run(whole.run_of(path))
    return run.agents, "".join(run.damaged)


def read_drift(path: Path, whole: Whole) -> Reading:
    text = drift_text(read_run(whole.folder))
    return text, text if "Left out: " in text else ""


def read_frames(path: Path, whole: Whole) -> Reading:
    return {name: column.tolist() for name, column in read_outliers(path).items()}, ""


def read_video(path: Path, whole: Whole) -> Reading:
    shown = agent_films(read_run(whole.run_of(path)))
    return shown, shown if "left out: " in shown else ""


def read_film_of_all(path: Path, whole: Whole) -> Reading:
    film = read_film(whole.folder)
    return film, "" if film else AGAIN


def read_config(path: Path, whole: Whole) -> Reading:
    run = read_run(whole.folder)
    return (run.config, run.compare), ""


def read_scores(path: Path, whole: Whole) -> Reading:
    done = whole.cell.is_done
    return whole.cell.scores if done else None, "" if done else AGAIN


def read_point(path: Path, whole: Whole) -> Reading:
    return Point.read(Setting.of(4, 1.0), path.parent), ""


def read_journal(path: Path, whole: Whole) -> Reading:
    states = BetaCurve(SweepTask.of(whole.experiment), 4).states()
    return states, "" if states else AGAIN


def resume(path: Path, whole: Whole) -> Reading:
    """On a copy: a training writes."""
    copy = whole.root.parent / "resumed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path.parent, copy)
    try:
        model, result = fit_a_little(copy)
    except WorldvaeError as error:
        raise WorldvaeError(str(error).replace(str(copy), str(path.parent))) from None
    values = [weight.numpy().tobytes() for weight in model.state_dict().values()]
    return (values, result.best_step, result.metrics), ""


KINDS: dict[str, Callable[[Path, Whole], Reading]] = {
    r".*/rollouts/(env|state)\.json": read_store,
    r".*/rollouts/manifest\.jsonl": read_store,
    r".*/rollouts/\d+\.frames\.npy": read_store,
    r".*/rollouts/\d+\.npz": read_store,
    r".*/rollouts/result\.json": read_collection,
    r".*/settings\.yaml": read_settings,
    r".*/study/.*/small/seed_0/(config|card)\.json": read_encoder,
    r".*/study/.*/small/seed_0/model\.safetensors": read_encoder,
    r".*/(study/.*/small/seed_0|untrained_encoder)/made_with\.yaml": read_untrained,
    r".*encoder/(config|card)\.json": read_encoder,
    r".*encoder/model\.safetensors": read_encoder,
    r".*dynamics/(config|card)\.json": read_dynamics,
    r".*dynamics/(model|starts)\.safetensors": read_dynamics,
    r".*dynamics/(made_with\.yaml|result\.json)": read_learned,
    r".*dynamics/codes/(codes\.jsonl|\d+\.npy)": read_codes,
    r".*/tiny/encoder/(made_with\.yaml|result\.json)": read_pretrained,
    r".*/tiny/encoder/health\.json": read_health,
    r".*/tiny/encoder/\w+\.png": read_picture,
    r".*/seed_0/card\.json": read_agent,
    r".*/seed_0/model_\d+\.zip": read_agent,
    r".*/seed_0/replay_\d+\.pkl": read_buffer,
    r".*/agents/.*/seed_0/result\.json": read_result,
    r".*/agents/.*/(episodes|evaluations)\.jsonl": read_log,
    r".*/tiny/agents/.*/drift\.jsonl": read_drift,
    r".*/tiny/agents/.*strangest\.npz": read_frames,
    r".*/agents/.*/video\.webm": read_video,
    r".*/side_by_side\.(webm|json)": read_film_of_all,
    r".*/tiny/config\.yaml": read_config,
    r".*/study/.*/scores\.json": read_scores,
    r".*/sweep/.*/health\.json": read_point,
    r".*/sweep/journal\.log": read_journal,
    r".*/fit/checkpoint\.pt": resume,
    r".*/fit/metrics\.jsonl": resume,
}
"""Name of a file -> what reads it."""


def kind_of(path: Path) -> str | None:
    return next((kind for kind in KINDS if re.fullmatch(kind, path.as_posix())), None)


def outcome(path: Path, whole: Whole, expected: object) -> str:
    """ "refused", "said", "again" or "harmless"; AssertionError for anything else."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found, said, refusal = _read(path, whole)
    if refusal:
        assert "\n" not in refusal, "more than a line"
        assert path.name in refusal, refusal
        return "refused"
    words = said + "".join(str(one.message) for one in warned)
    if words:
        assert AGAIN in words or path.name in words or path.stem.split(".")[0] in words, words
        return "again" if AGAIN in words else "said"
    assert found == expected, "another result, and not a word"
    return "harmless"


def _read(path: Path, whole: Whole) -> tuple[object, str, str]:
    """What was found, what was said, and the line in the place of both."""
    try:
        return (*KINDS[str(kind_of(path))](path, whole), "")
    except WorldvaeError as error:
        return None, "", str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told_or_harmless(whole: Whole, kind: str) -> None:
    paths = [path for path in files(whole.root) if kind_of(path) == kind]
    assert paths, "no run leaves such a file any more"
    told = Counter(_outcomes(kind, paths, whole))
    print(f"damages {kind}: {dict(told)}")
    assert told["refused"] + told["said"] + told["again"] > told["harmless"], told


def _outcomes(kind: str, paths: list[Path], whole: Whole) -> Iterator[str]:
    read = cache(lambda path: KINDS[kind](path, whole)[0])
    for number in range(-(-TRIED // len(KINDS)) or EACH):
        chosen = numpy_stream(SEED, "damaged file", kind, number)
        path = paths[chosen.integers(len(paths))]
        harm = list(HARMS)[number % len(HARMS)]
        expected = read(path)
        with damaged(path, harm, seed=derive(SEED, "damage", kind, number)) as differs:
            try:
                yield outcome(path, whole, expected) if differs else "unchanged"
            except Exception as error:
                raise AssertionError(f"{harm} {number} of {path}: {error!r}") from error


def test_every_file_is_of_a_known_kind(whole: Whole) -> None:
    others = [path for path in files(whole.root) if path.name != ".lock"]  # readers lock again
    strangers = [path for path in others if kind_of(path) is None]
    assert not strangers, "say above what reads it, or why nothing does"


def test_a_whole_report_says_what_is_damaged(whole: Whole) -> None:
    """One of each kind that it shows; with all of them the page is still written."""
    agent = whole.folder / "agents/latent/seed_0"
    shown = [agent / name for name in ("evaluations.jsonl", "strangest.npz", "video.webm")]
    shown += [whole.folder / "encoder" / name for name in ("reconstructions.png", "health.json")]
    shown += [whole.folder / "rollouts/result.json"]
    film = whole.folder / "side_by_side.json"
    kept = {path: path.read_bytes() for path in [*shown, film]}
    for path in kept:  # without the film of all agents the page shows each agent's own
        path.write_bytes(kept[path][:-30])
    try:
        run = read_run(whole.folder)
        page = write_report(run, summarise(run, Resampling.seeded(0))).read_text()
    finally:
        for path, data in kept.items():
            path.write_bytes(data)
        (whole.folder / "report.html").unlink()
        (whole.folder / "report.md").unlink()
    assert not [path.name for path in shown if path.name not in page]
    assert page.count("damaged") >= len(shown)
