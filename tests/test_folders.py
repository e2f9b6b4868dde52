"""A folder that is given for another one is called what it is, and what is missing is named."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.benchmark.config import BenchmarkConfig
from agents.config.experiment import Experiment
from agents.run.agent_card import read_card
from agents.video.play import find_agents
from tests.dynamics_folders import make_dynamics
from tests.encoders import DOTS, make_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.checksum import write_checked
from worldvae.config import load_config
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.errors import WorldvaeError
from worldvae.folders import check_no_other, wrong_folder
from worldvae.jsonl import append_jsonl
from worldvae.rollouts import RolloutConfig, RolloutStore, collect

LOADERS: dict[str, Callable[[Path], Any]] = {
    "encoder": Encoder.load,
    "dynamics": load_dynamics,
    "rollouts": RolloutStore,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with all that the loaders read, an agent's and a gap report's."""
    run = tmp_path_factory.mktemp("runs") / "mine"
    make_encoder(DOTS).save(run / "encoder")
    make_dynamics(DOTS, run / "encoder", run / "dynamics")
    collect(RolloutStore.create(run / "rollouts", DOTS), RolloutConfig(frames=400, num_envs=4), 0)
    agent = "agents/latent/seed_0"
    check = f"{agent}/fidelity/fidelity.json", f"{agent}/fidelity/rollouts_900/env.json"
    for name in (f"{agent}/model_5.zip", "gap/gap.json", *check):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).touch()
    return run


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "mine"))


@pytest.mark.parametrize("wanted", LOADERS)
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("encoder", "holds an encoder"),
        ("dynamics", "holds dynamics"),
        ("rollouts", "holds rollouts"),
        (".", "holds a run"),
        ("gap", "holds a gap report"),
        ("agents/latent/seed_0", "holds an agent"),
        ("agents/latent/seed_0/fidelity", "holds a check of dreams where an agent goes"),
        ("agents/latent/seed_0/model_5.zip", "a file, not"),
        ("agents", "does not hold"),
        ("encoder/config.json", "a file, no folder"),
        ("encodr", "no such folder"),
    ],
)
def test_another_folder_is_called_what_it_is(
    whole: Path, wanted: str, given: str, told: str
) -> None:
    if given == wanted:
        LOADERS[wanted](whole / given)
        return
    with pytest.raises(WorldvaeError) as error:
        LOADERS[wanted](whole / given)
    line = str(error.value)
    assert line.startswith(f"{whole / given}: {told}")
    assert line.endswith(f"did you mean {whole / wanted}?")


@pytest.mark.parametrize("wanted", LOADERS)
def test_what_is_meant_may_lie_in_the_run_of_a_seed(
    whole: Path, tmp_path: Path, wanted: str
) -> None:
    """Where each seed has an encoder of its own (`compare.encoder_per_seed`)."""
    shutil.copytree(whole, tmp_path / "several/seed_1")
    with pytest.raises(WorldvaeError, match=rf"did you mean {tmp_path}/several/seed_1/{wanted}\?$"):
        LOADERS[wanted](tmp_path / "several")


@pytest.mark.parametrize("kind", ["encoder", "dynamics"])
@pytest.mark.parametrize("file", ["config.json", "card.json", "model.safetensors"])
def test_what_is_missing_is_named_with_what_it_is_for_and_what_helps(
    run: Path, kind: str, file: str
) -> None:
    (run / kind / file).unlink()
    (run / kind / "result.json").touch()
    (run / kind / "starts.safetensors" if kind == "dynamics" else run / kind / "critic").touch()
    with pytest.raises(WorldvaeError) as error:
        LOADERS[kind](run / kind)
    line = str(error.value)
    assert line.startswith(f"{run / kind / file}: no such file, which ")
    assert f"remove {run / kind} and run again what made it" in line


def test_what_is_still_made_is_not_called_damaged(run: Path) -> None:
    (run / "encoder" / "config.json").unlink()
    (run / "encoder" / "made_with.yaml").touch()
    with pytest.raises(WorldvaeError, match=r"not finished yet; .*scripts\.pretrain CONFIG"):
        Encoder.load(run / "encoder")


@pytest.mark.parametrize("file", ["settings.yaml", "settings.yaml episodes.jsonl"])
def test_an_agent_without_a_checkpoint_is_told_how_it_goes_on(run: Path, file: str) -> None:
    """Another agent lies beside it, which nobody means."""
    folder = run / "agents" / "memory" / "seed_12"
    folder.mkdir(parents=True)
    for name in file.split():
        (folder / name).touch()
    with pytest.raises(WorldvaeError) as error:
        read_card(folder)
    assert str(error.value) == (
        f"{folder}: not finished yet; if it was interrupted, it goes on by python -m "
        "scripts.train CONFIG --arm memory --seed 12"
    )
    with pytest.raises(WorldvaeError, match=r"goes on by .* --arm memory --seed 12$"):
        find_agents(folder)


def test_settings_alone_make_no_agent_elsewhere(run: Path) -> None:
    folder = run / "sweep"
    folder.mkdir()
    (folder / "settings.yaml").touch()
    with pytest.raises(WorldvaeError, match=r"does not hold an agent; did you mean .*seed_0\?$"):
        read_card(folder)


@pytest.mark.parametrize("text", ['{"model_type": "vit"}', "[1]"])
def test_the_folder_of_another_library_is_no_damaged_encoder(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(WorldvaeError, match=r"does not hold an encoder; .* makes an encoder"):
        Encoder.load(tmp_path)


def test_one_of_several_kinds_is_asked_for(whole: Path) -> None:
    check_no_other(whole, "run", "agent")
    check_no_other(whole / "agents" / "latent" / "seed_0", "run", "agent")
    check_no_other(whole / "agents", "run")  # nothing tells what it is
    with pytest.raises(WorldvaeError, match=r"holds rollouts .*, not a run or an agent"):
        check_no_other(whole / "rollouts", "run", "agent")
    assert str(wrong_folder(whole / "gap", "agent")).endswith("agents/latent/seed_0?")


@pytest.mark.parametrize("kind", ["encoder", "dynamics"])
def test_a_damaged_file_is_told_though_others_are_missing(tmp_path: Path, kind: str) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WorldvaeError, match=r"config\.json: damaged"):
        LOADERS[kind](tmp_path)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("encoder/config.json", " for an encoder"),
        ("encoder/card.json", " for an encoder"),
        ("dynamics/config.json", " for dynamics"),
        ("rollouts/env.json", " for rollouts"),
        ("agents/latent/seed_0/result.json", " for an agent"),
        ("side_by_side.json", " for a run"),
        ("rollouts/manifest.jsonl", " for rollouts"),
        ("dynamics/codes/codes.jsonl", ""),
        ("agents/latent/seed_0/evaluations.jsonl", " for an agent"),
    ],
)
def test_a_file_that_is_no_config_is_called_what_it_is(run: Path, given: str, told: str) -> None:
    if not (run / given).exists():
        write = append_jsonl if given.endswith("l") else write_checked
        write(run / given, {"seed": 0})
    with pytest.raises(WorldvaeError) as error:
        Experiment.load(run / given)
    line = f"{run / given}: a file that worldvae wrote{told}, not a CONFIG; "
    assert str(error.value) == line + "give a YAML file"
    (run / "config.yaml").touch()
    with pytest.raises(WorldvaeError) as error:
        load_config(BenchmarkConfig, run / given)
    assert str(error.value) == line + f"did you mean {run / 'config.yaml'}?"


def test_json_of_a_user_is_a_config(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"seed": 3}')
    assert Experiment.load(tmp_path / "mine.json").seed == 3
