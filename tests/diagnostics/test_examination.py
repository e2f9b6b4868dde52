"""What is read for the checks: the right frames, errors and states, for any window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import terms
from tests.encoders import DOTS
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.examples import frame_batches
from worldvae.autoencoders.pretrain import make_untrained_encoder
from worldvae.diagnostics.drift import refer
from worldvae.diagnostics.examination import Subject, draw_samples, reconstruct
from worldvae.envs import Crop, FrameConfig
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutConfig, RolloutStore, StoredFrames, collect

SMALL: dict[str, Any] = {"latents": 4, "channels": (4, 8, 8)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RolloutStore:
    store = RolloutStore.create(tmp_path_factory.mktemp("rollouts"), DOTS)
    collect(store, RolloutConfig(frames=700, num_envs=4, state="always"), seed=0)
    return store


def untrained(store: RolloutStore, folder: Path, **values: Any) -> Encoder:
    network = {"stack": values.pop("stack", 1)}
    return make_untrained_encoder(
        store, PretrainConfig(**SMALL, **network, **terms(**values)), folder, seed=0
    )


@pytest.mark.parametrize(
    "objective",
    [
        {"sigma": 0.3},
        {"name": "ae", "standardise": True},
        {"likelihood": "bernoulli"},
        {"stack": 3, "motion_weight": 2.0},
        {"stack": 2, "predict": 2, "actions": True, "standardise": True},
    ],
)
def test_errors_agree_with_the_card_and_with_the_loss(
    store: RolloutStore, tmp_path: Path, objective: dict[str, Any]
) -> None:
    encoder = untrained(store, tmp_path, **objective)
    subject = Subject.open(encoder, store)
    part = reconstruct(subject, subject.splits.test, 10_000, torch.Generator().manual_seed(1))
    assert part.error.mean() == pytest.approx(encoder.card.scores["mse"], rel=1e-4)
    np.testing.assert_allclose(part.kl.mean(0), encoder.card.kl, rtol=1e-3, atol=1e-6)
    if objective.get("motion_weight"):
        return
    window, actions = encoder.window, "actions" in objective
    source = StoredFrames(store, "test", None, window.before, window.ahead, actions)
    batch = next(frame_batches(source, 10_000, 10_000))
    with torch.inference_mode():
        _, metrics = subject.model.loss(batch, torch.Generator().manual_seed(1), None)
    assert part.distortion.mean() == pytest.approx(float(metrics["distortion"]), rel=1e-5)


def test_frames_made_otherwise_are_one_line(store: RolloutStore, tmp_path: Path) -> None:
    cropped = DOTS.model_copy(update={"frame": FrameConfig(height=32, width=32, crop=Crop(top=8))})
    other = RolloutStore.create(tmp_path / "cropped", cropped)
    encoder = untrained(store, tmp_path / "encoder")
    with pytest.raises(WorldvaeError, match=r"was trained on frames of .*crop none.* crop top 8"):
        Subject.open(encoder, other)
    with pytest.raises(WorldvaeError, match=r"trained on frames of .*cropped gives .* crop top 8"):
        refer(encoder, [store, other])


def test_motion_is_seen_where_the_dot_was_and_is(store: RolloutStore, tmp_path: Path) -> None:
    subject = Subject.open(untrained(store, tmp_path), store)
    part = reconstruct(subject, subject.splits.test, 10_000, torch.Generator())
    record = subject.splits.test.records[0]
    frames = store.frames(record).astype(int)
    assert not part.moved[0].any(), "an episode's first frame has none before it"
    for time in (1, 5):
        changed = np.abs(frames[time] - frames[time - 1]).max(axis=2) > 10
        np.testing.assert_array_equal(part.moved[time], changed)


def test_the_state_is_that_of_the_newest_input_frame(store: RolloutStore, tmp_path: Path) -> None:
    encoder = untrained(store, tmp_path, stack=2, predict=2)
    samples = draw_samples(Subject.open(encoder, store), 0, 10_000)
    record = next(record for record in store.records if record.split == "train")
    times = record.length + 1 - 2
    expected = store.arrays(record)["state"][:times]
    np.testing.assert_array_equal(samples.train.state[:times], expected)
    assert (samples.train.episodes[:times] == 0).all()
    frames = store.frames(record)
    inputs = np.concatenate([frames[1], frames[2]], axis=2)
    np.testing.assert_allclose(samples.train.codes[2], encoder.encode(inputs[None])[0], atol=1e-5)


def test_the_limit_is_shared_out_by_length(store: RolloutStore, tmp_path: Path) -> None:
    subject = Subject.open(untrained(store, tmp_path), store)
    rows = subject.rows(100)
    assert 97 <= sum(map(len, rows)) <= 100
    assert len(rows.train) / 100 == pytest.approx(len(subject.splits.train) / 700, abs=0.03)


def test_the_floor_is_the_same_network_with_other_weights(
    store: RolloutStore, tmp_path: Path
) -> None:
    encoder = untrained(store, tmp_path, name="ae")
    subject = Subject.open(encoder, store)
    same, other = (draw_samples(subject, seed, 200).test for seed in (0, 1))
    np.testing.assert_allclose(same.codes, same.untrained, rtol=1e-4, atol=1e-5)
    assert not np.allclose(other.codes, other.untrained, atol=0.1)
