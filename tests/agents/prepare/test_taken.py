"""One encoder serves several tasks: taken as it is, examined on the new frames, charged once."""

from pathlib import Path
from typing import Any

import pytest

from agents.arms.build import set_up
from agents.config.experiment import Experiment
from agents.prepare import prepare_untrained_encoder, pretrain_encoder
from agents.report.sections.encoder import encoder_text
from agents.run.load import read_run
from agents.run.stage_results import NOTHING
from agents.train import train
from tests.tiny import load
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.errors import ArtifactError, ConfigError, WorldvaeError

OTHER = {"name": "other", "env.kwargs": {"dot": 9}}


@pytest.fixture
def source(prepared: Path) -> Path:
    return load(prepared).encoder_folder


def other(tmp_path: Path, source: str | Path, **given: Any) -> Experiment:
    """Another task than that of `source`, with its encoder."""
    return load(tmp_path, **OTHER, encoder=str(source), **given)


def test_it_is_the_same_encoder_and_its_health_is_that_on_the_new_frames(
    source: Path, tmp_path: Path
) -> None:
    experiment = other(tmp_path, source)
    pretrain_encoder(experiment)
    folder = experiment.encoder_folder
    assert hash_encoder(folder) == hash_encoder(source)
    health = HEALTH.read(folder)
    assert health.rollouts == str(experiment.rollouts_folder)
    assert health.pretrained_on == f"other frames of {experiment.env.id}"
    assert HEALTH.read(source).pretrained_on is None
    assert (folder / "reconstructions.png").read_bytes() != (
        source / "reconstructions.png"
    ).read_bytes()
    made = PRETRAINING.read(source)
    assert PRETRAINING.read(folder) == made.model_copy(update={"taken_from": str(source)})


def test_it_is_charged_where_it_was_made(source: Path, tmp_path: Path) -> None:
    experiment = other(tmp_path, source)
    pretrain_encoder(experiment)
    train(experiment, "latent", 0)
    run = read_run(experiment.folder)
    assert run.stages["pretraining"] == NOTHING
    collected = run.stages["collection"].env_steps
    assert collected is not None
    assert collected > 0, "the frames of the health check are this run's"
    text = encoder_text(run).replace("\\", "")
    assert f"taken as it is from {source}" in text
    assert "charged there and not here" in text
    assert "taken as it is" not in encoder_text(read_run(source.parent))


def test_it_is_not_exchanged_later(source: Path, tmp_path: Path) -> None:
    experiment = other(tmp_path, source)
    pretrain_encoder(experiment)
    own = load(tmp_path, **OTHER)
    with pytest.raises(ArtifactError, match="encoder"):
        pretrain_encoder(own)


def test_the_control_is_of_the_same_network(source: Path, tmp_path: Path) -> None:
    experiment = other(tmp_path, source)
    trained, control = pretrain_encoder(experiment), prepare_untrained_encoder(experiment)
    assert control.config == trained.config
    assert set_up(experiment, "latent").frames_per_latent == trained.stack


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"pretrain.latents": 6}, r"pretrain.latents: 6, but the encoder in .* has 4; write its"),
        ({"pretrain.objective": "ae"}, r"pretrain.objective.name: ae, but the encoder in .* has "),
        ({"pretrain.objective.beta": 0.25}, r"pretrain.objective.beta: 0.25, but the encoder in"),
        ({"env.frame.height": 44}, "trained on frames of 40x40"),
        ({"encoder": "nowhere"}, "nowhere"),
        ({"encoder": "hf://nobody"}, "expected hf://USER/NAME"),
    ],
)
def test_one_that_does_not_fit_is_one_line(
    source: Path, tmp_path: Path, given: dict[str, Any], line: str
) -> None:
    experiment = load(tmp_path, **{**OTHER, "encoder": str(source), **given})
    with pytest.raises(WorldvaeError, match=line) as caught:
        pretrain_encoder(experiment)
    assert isinstance(caught.value, ArtifactError | ConfigError)
    assert "\n" not in str(caught.value)
    assert not experiment.rollouts_folder.exists(), "it was said before anything was collected"


def test_of_a_published_one_only_the_encoder_may_be_known(source: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "card.json", "model.safetensors"):
        (bare / name).write_bytes((source / name).read_bytes())
    experiment = other(tmp_path, bare)
    pretrain_encoder(experiment)
    result = PRETRAINING.read(experiment.encoder_folder)
    assert result.taken_from == str(bare)
    assert result.parameters == PRETRAINING.read(source).parameters
