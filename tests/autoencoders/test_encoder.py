import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import ORIGIN, SHAPE, Frames, squares, tiny
from worldvae.autoencoders.encoder import Encoder, summarise
from worldvae.autoencoders.model import Autoencoder
from worldvae.config import UserError

FRAMES = squares(40, 0)
TRAIN, VALIDATION = Frames(FRAMES), Frames(squares(15, 1))


def untrained(seed=0, **objective):
    return Encoder.untrained(tiny(**objective), ORIGIN, TRAIN, VALIDATION, seed)


def with_card(**changes):
    model = Autoencoder(tiny(), SHAPE, seed=0)
    card = summarise(model, TRAIN, VALIDATION, ORIGIN, trained=True)
    return Encoder(model, card.model_copy(update=changes))


def test_encode_is_the_posterior_mean():
    encoder, model = untrained(), Autoencoder(tiny(), SHAPE, seed=0)
    expected = model.encode(torch.from_numpy(FRAMES)).mean.detach().numpy()
    codes = encoder.encode(FRAMES)
    assert codes.dtype == np.float32
    assert codes.shape == (40, encoder.latents)
    np.testing.assert_allclose(codes, expected, atol=1e-6)


def test_a_code_does_not_depend_on_its_batch():
    encoder = untrained()
    together = encoder.encode(FRAMES[:7])
    alone = np.concatenate([encoder.encode(frame[None]) for frame in FRAMES[:7]])
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=1e-5)
    many = encoder.encode(np.tile(FRAMES, (8, 1, 1, 1)))  # more than one internal batch
    np.testing.assert_allclose(many, np.tile(encoder.encode(FRAMES), (8, 1)), atol=1e-5)


def test_views_and_read_only_frames_are_encoded():
    encoder = untrained()
    flipped = FRAMES[:3, :, ::-1]
    copy = np.ascontiguousarray(flipped)
    copy.flags.writeable = False
    np.testing.assert_array_equal(encoder.encode(flipped), encoder.encode(copy))


@pytest.mark.parametrize(
    ("frames", "got"),
    [
        (np.zeros((2, 36, 32, 3), np.uint8), r"\(2, 36, 32, 3\) uint8"),
        (np.zeros((2, 32, 36, 1), np.uint8), r"\(2, 32, 36, 1\) uint8"),
        (np.zeros((32, 36, 3), np.uint8), r"\(32, 36, 3\) uint8"),
        (np.zeros((2, 32, 36, 3), np.float32), r"\(2, 32, 36, 3\) float32"),
    ],
)
def test_other_frames_are_refused_with_both_shapes(frames, got):
    with pytest.raises(UserError, match=r"expects .* \(B, 32, 36, 3\) uint8, got " + got):
        untrained().encode(frames)


def test_whitened_training_frames_have_mean_0_and_deviation_1():
    encoder = untrained()
    whitened = encoder.whiten(encoder.encode(FRAMES))
    assert whitened.dtype == np.float32
    np.testing.assert_allclose(whitened.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(whitened.std(0), 1, atol=1e-2)


def test_a_collapsed_latent_is_not_blown_up():
    encoder = with_card(latent_mean=(1.0, 0.0, 0.0, 0.0), latent_std=(2.0, 1.0, 0.01, 0.0))
    whitened = encoder.whiten(np.full((1, 4), 1.0, np.float32))
    np.testing.assert_allclose(whitened, [[0.0, 1.0, 10.0, 10.0]], rtol=1e-6)


def test_constant_latents_are_only_centred():
    encoder = with_card(latent_mean=(1.0,) * 4, latent_std=(0.0,) * 4)
    np.testing.assert_array_equal(encoder.whiten(np.full((1, 4), 3, np.float32)), [[2.0] * 4])


def test_the_card_holds_the_statistics_of_the_frames():
    encoder, model = untrained(), Autoencoder(tiny(), SHAPE, seed=0)
    codes, held_out = encoder.encode(FRAMES), torch.from_numpy(VALIDATION.frames)
    np.testing.assert_allclose(encoder.card.latent_mean, codes.mean(0), atol=1e-6)
    np.testing.assert_allclose(encoder.card.latent_std, codes.std(0), atol=1e-6)
    kl = model.encode(held_out).kl().mean(0)
    np.testing.assert_allclose(encoder.card.kl, kl.detach(), rtol=1e-4)
    images = model.decode(model.encode(held_out).mean).permute(0, 2, 3, 1)
    mse = (images - held_out / 255).square().mean().item()
    scores = encoder.card.scores
    assert scores["mse"] == pytest.approx(mse, rel=1e-5)
    assert scores["psnr"] == pytest.approx(-10 * np.log10(mse), rel=1e-5)
    assert scores["rate"] == pytest.approx(sum(encoder.card.kl), rel=1e-5)
    assert not encoder.card.trained


def test_an_encoder_comes_back_from_its_folder(tmp_path):
    encoder = untrained()
    encoder.save(tmp_path)
    loaded = Encoder.load(tmp_path)
    assert loaded.card == encoder.card
    np.testing.assert_array_equal(loaded.encode(FRAMES), encoder.encode(FRAMES))


def test_another_seed_is_another_untrained_encoder():
    same, other = untrained(seed=0).encode(FRAMES), untrained(seed=1).encode(FRAMES)
    np.testing.assert_array_equal(untrained(seed=0).encode(FRAMES), same)
    assert not np.allclose(same, other)


def test_an_empty_split_is_refused():
    with pytest.raises(UserError, match="train split holds no frames"):
        Encoder.untrained(tiny(), ORIGIN, Frames(FRAMES[:0]), VALIDATION, seed=0)


def test_a_traversal_moves_one_latent_and_keeps_the_others():
    encoder = untrained()
    code = encoder.encode(FRAMES[:1])[0]
    images = encoder.traverse(FRAMES[0], np.array([-2, 2], np.float32))
    assert images.shape == (4, 2, *SHAPE)
    code[3] = 2.0
    np.testing.assert_array_equal(images[3, 1], encoder.decode(code[None])[0])


def test_samples_follow_the_seed():
    encoder = untrained()
    assert encoder.sample(5, 0).shape == (5, *SHAPE)
    np.testing.assert_array_equal(encoder.sample(5, 0), encoder.sample(5, 0))
    assert (encoder.sample(5, 0) != encoder.sample(5, 1)).any()


@pytest.mark.parametrize(("name", "unit"), [("ae", "sd"), ("vae", "nats")])
def test_pictures_label_latents_by_what_the_objective_has(name, unit):
    figures = untrained(name=name).pictures(FRAMES[:3], seed=0)
    assert list(figures) == ["reconstructions", "samples", "traversals"]
    labels = [text.get_text() for text in figures["traversals"].axes[0].texts]
    assert sum(label.startswith("latent") and label.endswith(unit) for label in labels) == 4
