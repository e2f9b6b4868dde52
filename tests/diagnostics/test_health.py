"""The health check on encoders whose illness is known: their training gave it to them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.objectives import AE, BetaVAE
from worldvae.autoencoders.pixel_error import GaussianPixels
from worldvae.autoencoders.pretrain import make_untrained_encoder, pretrain
from worldvae.checksum import read_checked_as
from worldvae.diagnostics.health import diagnose, write_health
from worldvae.diagnostics.metrics.state import why_not_probed
from worldvae.diagnostics.rules.evidence import Health
from worldvae.diagnostics.splits import Splits
from worldvae.envs import EnvConfig, FrameConfig
from worldvae.envs.state import why_no_state
from worldvae.errors import WorldvaeError
from worldvae.rollouts import Episode, RolloutConfig, RolloutStore, collect
from worldvae.rollouts.manifest import split_of

# One large dot: a network of a few filters learns to draw it in seconds.
ENV = EnvConfig(
    id="worldvae/Dots-v0",
    workers="sync",
    kwargs={"dot": 10, "goal": False},
    frame=FrameConfig(height=32, width=32),
)
SMALL: dict[str, Any] = {
    "latents": 6,
    "channels": (8, 16, 32),
    "steps": 300,
    "evaluate_every": 100,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "validation_frames": 200,
    "precision": "float32",
}
FEW = ["few_probed"]
"""The store has fewer than five test episodes, which is noted of every encoder."""
HEALTHY = PretrainConfig(**SMALL, pixels=GaussianPixels(sigma=1.0))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> RolloutStore:
    store = RolloutStore.create(tmp_path_factory.mktemp("rollouts"), ENV)
    collect(store, RolloutConfig(frames=2_400, num_envs=8, state="always"), seed=0)
    return store


@pytest.fixture(scope="session")
def scanty(store: RolloutStore, tmp_path_factory: pytest.TempPathFactory) -> RolloutStore:
    """32 frames to train on, whole episodes held out."""
    scanty = RolloutStore.create(tmp_path_factory.mktemp("scanty"), ENV)
    scanty.describe_state(store.state_variables)
    for index, record in enumerate(store.records[:20]):
        length = 1 if split_of(index) == "train" else record.length
        scanty.append(first_steps(store, index, length))
    return scanty


def first_steps(store: RolloutStore, index: int, length: int) -> Episode:
    record = store.records[index]
    arrays = store.arrays(record)
    last = np.arange(1, length + 1) == length
    return Episode(
        obs=np.array(store.frames(record)[: length + 1]),
        action=arrays["action"][:length],
        reward=arrays["reward"][:length],
        terminated=np.zeros(length, bool),
        truncated=last,
        seed=record.seed,
        policy=record.policy,
        state=arrays["state"][: length + 1],
    )


@pytest.fixture(scope="session")
def healthy(store: RolloutStore, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return pretrain(store, HEALTHY, tmp_path_factory.mktemp("healthy"), seed=0)


@pytest.fixture(scope="session")
def health(healthy: Encoder, store: RolloutStore) -> Health:
    return diagnose(healthy, store, seed=0)


def names(health: Health) -> list[str]:
    return [finding.name for finding in health.findings]


def test_a_healthy_encoder_raises_no_alarm(health: Health) -> None:
    assert health.verdict == "healthy", health.summary()
    assert names(health) == FEW
    train, probes = health.reconstruction.train, health.probes
    assert train.lost is not None
    assert train.lost < 0.3
    assert health.code.active == 6
    assert probes is not None
    assert probes.mean["latents"] > probes.mean["majority"] + 0.5
    assert health.neighbours.pixels is not None
    assert health.neighbours.pixels.latents > 0.9


def test_a_collapsed_encoder_is_found(store: RolloutStore, tmp_path: Path) -> None:
    config = PretrainConfig(**{**SMALL, "steps": 80}, objective=BetaVAE(beta=100))
    health = diagnose(pretrain(store, config, tmp_path, seed=0), store, seed=0)
    assert health.verdict == "unfit"
    assert names(health) == ["collapsed", *FEW]
    assert health.code.active == 0
    assert health.code.rate < 0.1
    assert "pretrain.objective.beta (now 100)" in health.findings[0].advice


def test_an_overfitted_encoder_is_found(scanty: RolloutStore, tmp_path: Path) -> None:
    config = PretrainConfig(
        **{**SMALL, "steps": 250, "evaluate_every": 250, "patience": 0},
        objective=AE(),
    )
    health = diagnose(pretrain(scanty, config, tmp_path, seed=0), scanty, seed=0)
    assert health.frames["train"] == 32
    assert health.verdict == "doubtful"
    assert names(health)[0] == "overfitted"
    assert health.overfitting.ratio > 2
    assert "rollouts.frames" in health.findings[0].advice


def test_an_untrained_encoder_is_found(store: RolloutStore, tmp_path: Path) -> None:
    health = diagnose(make_untrained_encoder(store, HEALTHY, tmp_path, seed=0), store, seed=0)
    assert health.verdict == "unfit"
    assert names(health) == ["untrained", *FEW]


def test_the_same_seed_measures_the_same(
    health: Health, healthy: Encoder, store: RolloutStore
) -> None:
    again = diagnose(healthy, store, seed=0)
    assert again.model_copy(update={"seconds": health.seconds}) == health


def test_all_numbers_are_written_as_json(health: Health, tmp_path: Path) -> None:
    write_health(health, tmp_path)
    written = json.loads((tmp_path / "health.json").read_text())
    assert read_checked_as(tmp_path / "health.json", Health, "") == health
    assert written["verdict"] == "healthy"
    assert len(written["code"]["kl"]) == 6
    assert set(written["probes"]["mean"]) == {"latents", "majority", "pixels", "untrained"}


def test_the_command_on_the_page_does_the_same_again(
    healthy: Encoder, store: RolloutStore, tmp_path: Path
) -> None:
    healthy.save(tmp_path)
    first = diagnose(healthy, store, seed=7)
    write_health(first, tmp_path)
    page = html.unescape((tmp_path / "health.html").read_text())
    (code,) = re.findall(r"from pathlib import Path.*?write_health\(health, folder\)", page, re.S)
    (tmp_path / "health.json").unlink()
    exec(code, {})
    again = read_checked_as(tmp_path / "health.json", Health, "")
    assert again.seed == 7
    assert again.model_copy(update={"seconds": first.seconds}) == first


def test_the_ceiling_is_there_on_request(healthy: Encoder, store: RolloutStore) -> None:
    probes = diagnose(healthy, store, seed=0, supervised=True).probes
    assert probes is not None
    assert probes.mean["supervised"] > max(0.9, probes.mean["latents"])


def test_an_encoder_of_another_environment_is_told(
    healthy: Encoder, store: RolloutStore, tmp_path: Path
) -> None:
    other = RolloutStore.create(tmp_path / "other", ENV.model_copy(update={"id": "Other-v0"}))
    for index in range(10):
        other.append(Episode(**{**vars(first_steps(store, index, 5)), "state": None}))
    assert diagnose(healthy, other, seed=0).pretrained_on == f"frames of {ENV.id}"
    assert diagnose(healthy, store, seed=0).pretrained_on is None


def test_without_state_the_remedy_is_named(
    healthy: Encoder, store: RolloutStore, tmp_path: Path
) -> None:
    bare = RolloutStore.create(tmp_path / "bare", ENV)
    for index, record in enumerate(store.records[:10]):
        whole = first_steps(store, index, record.length)
        bare.append(Episode(**{**vars(whole), "state": None}))
    health = diagnose(healthy, bare, seed=0)
    assert health.probes is None
    assert health.neighbours.state is None
    assert health.no_probes == why_no_state(ENV.id)
    assert {"no_state", "few_episodes"} <= set(names(health))


def test_a_scene_that_stands_still_is_no_crash(
    healthy: Encoder, store: RolloutStore, tmp_path: Path
) -> None:
    frozen = RolloutStore.create(tmp_path / "frozen", ENV)
    for index in range(10):
        episode = first_steps(store, index, 5)
        obs = np.repeat(store.frames(store.records[0])[:1], 6, axis=0)
        frozen.append(Episode(**{**vars(episode), "obs": obs, "state": None}))
    health = diagnose(healthy, frozen, seed=0)
    assert health.reconstruction.train.moving is None
    assert health.neighbours.pixels is None
    assert "still" in names(health)


def test_too_few_episodes_say_what_to_do(healthy: Encoder, tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match="collect more episodes"):
        diagnose(healthy, RolloutStore.create(tmp_path / "none", ENV), seed=0)


@pytest.mark.parametrize(
    ("test", "words"), [([1, 2, 2], "also a frame of training"), ([1, 9], "varies enough")]
)
def test_why_nothing_was_probed(test: list[int], words: str) -> None:
    hashes = ([1, 1], [2], test)
    samples = Splits(*(SimpleNamespace(hashes=np.array(part, np.uint64)) for part in hashes))
    assert words in why_not_probed(samples)  # type: ignore[arg-type]
