"""Drift against closed forms: Gaussian latents, frames that were and were not trained on."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.encoders import DOTS, make_encoder
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.pixel_error import GaussianPixels
from worldvae.autoencoders.pretrain import pretrain
from worldvae.diagnostics.drift import (
    Drift,
    Reading,
    Readings,
    Reference,
    Spread,
    Usual,
    measure,
    read,
    reconstructs,
    refer,
)
from worldvae.errors import WorldvaeError
from worldvae.rollouts import Episode, RolloutConfig, RolloutStore, collect

MIXING = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [-0.3, 0.5, 0.9]])
SMALL = PretrainConfig(
    latents=4,
    channels=(4, 8, 8),
    pixels=GaussianPixels(standardise=False),
    steps=60,
    evaluate_every=20,
    batch_size=32,
    validation_frames=50,
)


def gaussian(count: int, seed: int) -> NDArray[np.float64]:
    """Correlated latents around (5, -1, 2)."""
    noise = np.random.default_rng(seed).standard_normal((count, 3))
    return noise @ MIXING.T + np.array([5.0, -1.0, 2.0])


def test_squared_distances_of_gaussian_latents_have_mean_and_variance_of_chi_squared() -> None:
    distances = Spread.of(gaussian(20_000, seed=0)).distances(gaussian(20_000, seed=1))
    assert distances.mean() == pytest.approx(3, rel=0.03)  # Z
    assert distances.var() == pytest.approx(6, rel=0.08)  # 2 Z
    assert np.quantile(distances, 0.99) == pytest.approx(11.345, rel=0.05)  # chi squared, 3


def test_distances_are_those_of_the_inverse_covariance() -> None:
    codes, other = gaussian(500, seed=0), gaussian(7, seed=1) * 3
    inverse = np.linalg.inv(np.cov(codes, rowvar=False))
    deviation = other - codes.mean(0)
    expected = np.einsum("bi,ij,bj->b", deviation, inverse, deviation)
    assert Spread.of(codes).distances(other) == pytest.approx(expected)


def test_a_collapsed_latent_does_not_explode() -> None:
    """Its deviation counts as 5 % of the widest one's: 0.05 away is one unit."""
    codes = np.random.default_rng(0).standard_normal((5_000, 2)) * [1.0, 1e-6]
    away = codes.mean(0) + np.array([[0.0, 0.05]])
    assert Spread.of(codes).distances(away)[0] == pytest.approx(1, rel=0.05)


def test_latents_that_never_vary_are_measured_in_ones() -> None:
    spread = Spread.of(np.full((9, 2), 3.0))
    assert spread.distances(np.array([[3.0, 3.0], [3.0, 5.0]])) == pytest.approx([0, 4])


def reference(error: Usual | None = None) -> Reference:
    return Reference(Spread.of(gaussian(10, seed=0)), Usual(mean=2.0, limit=8.0), error)


def test_what_is_measured_follows_from_the_readings() -> None:
    known = reference(Usual(mean=0.1, limit=0.4))
    readings = Readings(np.array([1.0, 3, 9, 11]), np.array([0.1, 0.1, 0.1, 0.5]), None)
    drift = measure(known, readings)
    assert drift == Drift(
        frames=4,
        distance=Reading(mean=6, ratio=3, beyond=0.5),
        error=Reading(mean=0.2, ratio=2, beyond=0.25),
    )
    assert drift.strange == 0.5
    assert known.strangeness(readings) == pytest.approx([0.25, 0.375, 1.125, 1.375])


def test_without_reconstructions_the_distance_alone_is_strange() -> None:
    readings = Readings(np.array([4.0, 16]), None, None)
    assert measure(reference(), readings).error is None
    assert reference().strangeness(readings) == pytest.approx([0.5, 2])


def test_a_perfect_reference_does_not_divide_by_zero() -> None:
    perfect = reference(Usual(mean=0.0, limit=0.0))
    drift = measure(perfect, Readings(np.ones(2), np.zeros(2), None))
    assert drift.error == Reading(mean=0, ratio=0, beyond=0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RolloutStore:
    store = RolloutStore.create(tmp_path_factory.mktemp("drift") / "rollouts", DOTS)
    collect(store, RolloutConfig(frames=1_500, num_envs=4), seed=0)
    return store


@pytest.fixture(scope="module")
def encoder(store: RolloutStore) -> Encoder:
    return pretrain(store, SMALL, store.folder.parent / "encoder", seed=0)


def test_more_of_the_same_is_not_strange_and_inverted_frames_are(
    store: RolloutStore, encoder: Encoder, tmp_path: Path
) -> None:
    more = RolloutStore.create(tmp_path / "more", DOTS)
    collect(more, RolloutConfig(frames=600, num_envs=4), seed=1)
    frames = np.concatenate([more.frames(record) for record in more.records])
    known = refer(encoder, [store])
    usual = measure(known, read(encoder, known.spread, frames))
    strange = measure(known, read(encoder, known.spread, 255 - frames))
    assert usual.error is not None
    assert strange.error is not None
    assert usual.strange < 0.06
    assert usual.distance.ratio == pytest.approx(1, abs=0.25)
    assert usual.error.ratio == pytest.approx(1, abs=0.25)
    assert strange.error.beyond == 1
    assert strange.strange == 1


def test_the_error_is_that_of_the_reconstruction(store: RolloutStore, encoder: Encoder) -> None:
    frames = store.frames(store.records[0])[:5]
    readings = read(encoder, refer(encoder, [store]).spread, frames)
    error = (encoder.reconstruct(frames) / 255 - frames / 255) ** 2
    assert readings.error == pytest.approx(error.mean((1, 2, 3)), rel=1e-4)


def test_of_two_stores_both_are_normal(
    store: RolloutStore, encoder: Encoder, tmp_path: Path
) -> None:
    """The second shows inverted frames, strange to the first alone."""
    inverted = RolloutStore.create(tmp_path / "inverted", DOTS)
    for record in store.records:
        arrays = store.arrays(record)
        inverted.append(_episode(255 - np.array(store.frames(record)), arrays))
    frames = np.array(inverted.frames(inverted.records[0]))
    alone, both = refer(encoder, [store]), refer(encoder, [store, inverted])
    before = measure(alone, read(encoder, alone.spread, frames))
    after = measure(both, read(encoder, both.spread, frames))
    assert before.strange == 1
    assert after.strange < 0.1


def _episode(frames: NDArray[np.uint8], arrays: dict[str, NDArray[np.float64]]) -> Episode:
    return Episode(obs=frames, seed=0, policy="random", **_without_state(arrays))


def _without_state(arrays: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    return {name: array for name, array in arrays.items() if name != "state"}


def test_an_untrained_encoder_and_one_that_predicts_have_no_error(store: RolloutStore) -> None:
    untrained = make_encoder(DOTS)
    assert not reconstructs(untrained)
    known = refer(untrained, [store])
    readings = read(untrained, known.spread, store.frames(store.records[0])[:5])
    assert known.error is None
    assert readings.error is None
    assert readings.decoded is None


def test_a_store_without_held_out_episodes_is_one_line(encoder: Encoder, tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path / "few", DOTS)
    collect(store, RolloutConfig(frames=100, num_envs=1), seed=0)
    store.records[:] = [record for record in store.records if record.split == "train"]
    with pytest.raises(WorldvaeError, match="held-out split holds no examples"):
        refer(encoder, [store])
