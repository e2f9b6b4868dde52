import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import ORIGIN, SHAPE, Frames, squares, tiny
from worldvae.autoencoders.cards import summarise
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pictures import pictures
from worldvae.errors import WorldvaeError

FRAMES = squares(40, 0)
TRAIN, VALIDATION = Frames(FRAMES), Frames(squares(15, 1))


def untrained(seed=0, train=TRAIN, **objective):
    return Encoder.untrained(tiny(**objective), ORIGIN, train, VALIDATION, seed)


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


@pytest.mark.parametrize("network", [{}, {"code": "grid", "latents": 72}, {"code": "keypoints"}])
@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_the_posterior_has_the_mean_of_encode_and_the_deviation_of_the_model(network, backend):
    model = Autoencoder(tiny(network), SHAPE, seed=0)
    card = summarise(model, TRAIN, VALIDATION, ORIGIN, trained=True)
    encoder = Encoder(model, card, backend=backend)
    many = np.tile(FRAMES, (8, 1, 1, 1))
    mean, deviation = encoder.posterior(many)
    np.testing.assert_allclose(mean, encoder.encode(many), atol=1e-6)
    logvar = model.encode(torch.from_numpy(many)).logvar
    np.testing.assert_allclose(deviation, (logvar / 2).exp(), rtol=1e-5)
    scaled = encoder.whiten_deviation(deviation)
    spread = encoder.whiten(mean + deviation) - encoder.whiten(mean)
    np.testing.assert_allclose(scaled, spread, rtol=1e-3)


def test_weights_are_counted_under_a_name_of_their_own():
    """`parameters` is what torch calls the weights themselves."""
    encoder = untrained()
    layers = encoder.model.encoder.parameters()
    assert encoder.num_parameters == sum(weight.numel() for weight in layers)
    assert not hasattr(encoder, "parameters")


def test_a_code_without_a_variance_has_deviation_0():
    mean, deviation = untrained(name="ae").posterior(FRAMES)
    np.testing.assert_array_equal(mean, untrained(name="ae").encode(FRAMES))
    assert (deviation == 0).all()


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
    with pytest.raises(WorldvaeError, match=r"expects .* \(B, 32, 36, 3\) uint8, got " + got):
        untrained().encode(frames)


@pytest.mark.parametrize("frames", [list(FRAMES[:2]), torch.from_numpy(FRAMES[:2])])
def test_frames_that_are_no_array_of_numpy_are_told_by_their_type(frames):
    told = f"expected frames as an array of NumPy, got {type(frames).__name__}"
    with pytest.raises(WorldvaeError, match=told):
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


@pytest.mark.parametrize("standardise", [True, False])
def test_an_empty_split_is_refused(standardise):
    with pytest.raises(WorldvaeError, match="train split holds no examples"):
        untrained(standardise=standardise, train=Frames(FRAMES[:0]))


def test_a_traversal_moves_one_latent_and_keeps_the_others():
    encoder = untrained()
    code = encoder.encode(FRAMES[:1])[0]
    images = encoder.traverse(FRAMES[0], np.array([-2, 2], np.float32))
    assert images.shape == (4, 2, *SHAPE)
    code[3] = encoder.card.latent_mean[3] + 2 * encoder.card.latent_std[3]
    np.testing.assert_array_equal(images[3, 1], encoder.decode(code[None])[0])


def test_latents_of_any_float_are_decoded_and_none_at_all():
    encoder = untrained()
    codes = np.random.default_rng(0).normal(size=(2, 4))
    np.testing.assert_array_equal(encoder.decode(codes), encoder.decode(codes.astype(np.float32)))
    assert encoder.decode(codes[:0]).shape == (0, *SHAPE)
    assert encoder.sample(0, seed=0).shape == (0, *SHAPE)


def test_latents_of_another_width_are_one_line():
    with pytest.raises(WorldvaeError, match=r"expected latents \(B, 4\), got \(2, 5\)"):
        untrained().decode(np.zeros((2, 5), np.float32))


def test_an_unknown_precision_is_one_line(tmp_path):
    untrained().save(str(tmp_path))
    with pytest.raises(WorldvaeError, match="precision 'float16': expected float32 or bfloat16"):
        Encoder.load(tmp_path, precision="float16")


def test_samples_follow_the_seed():
    encoder = untrained()
    assert encoder.sample(5, 0).shape == (5, *SHAPE)
    np.testing.assert_array_equal(encoder.sample(5, 0), encoder.sample(5, 0))
    assert (encoder.sample(5, 0) != encoder.sample(5, 1)).any()


@pytest.mark.parametrize(("name", "unit"), [("ae", "sd"), ("vae", "nats")])
def test_pictures_label_latents_by_what_the_objective_has(name, unit):
    figures = pictures(untrained(name=name), FRAMES[:3], seed=0)
    assert list(figures) == ["reconstructions", "samples", "traversals"]
    labels = [text.get_text() for text in figures["traversals"].axes[0].texts]
    assert sum(label.startswith("latent") and label.endswith(unit) for label in labels) == 4


def windows(count, seed):
    """Three frames for the input and two later ones, unrelated: (count, H, W, 5 C)."""
    frames = [squares(count, 10 * seed + time) for time in range(5)]
    actions = np.random.default_rng(seed).random((count, 2, 4), np.float32)
    return Frames(np.concatenate(frames, axis=-1), told=actions)


def predicting():
    """Of a stack of 3 it draws the frame 2 decisions later, and is told the 2 x 4 actions."""
    config = tiny({"stack": 3}, predict=2, actions=True)
    return Encoder.untrained(config, ORIGIN, windows(12, 0), windows(6, 1), seed=0)


@pytest.mark.parametrize("channels", [1, 3, 6, 15])
def test_a_stack_of_another_number_of_frames_is_refused_in_one_line(channels):
    with pytest.raises(WorldvaeError, match=r"\(B, 32, 36, 9\) uint8, got \(2, 32, 36, ") as error:
        predicting().encode(np.zeros((2, 32, 36, channels), np.uint8))
    assert "\n" not in str(error.value)


def test_a_stack_is_encoded_and_one_frame_decoded():
    encoder, inputs = predicting(), windows(6, 1).frames[..., :9]
    assert encoder.encode(inputs).shape == (6, 4)
    assert encoder.reconstruct(inputs).shape == (6, *SHAPE)
    assert encoder.traverse(inputs[0], np.array([-1, 1], np.float32)).shape == (4, 2, *SHAPE)
    newest_only = inputs.copy()
    newest_only[..., :6] = 0
    assert not np.allclose(encoder.encode(newest_only), encoder.encode(inputs))


def test_the_card_of_a_predicting_model_is_scored_on_the_later_frame_with_its_actions():
    encoder, held_out = predicting(), windows(6, 1)
    config = tiny({"stack": 3}, predict=2, actions=True)
    model = Autoencoder.for_frames(config, SHAPE, windows(12, 0), seed=0)
    codes = model.encode(torch.from_numpy(held_out.frames[..., :9])).mean
    images = model.decode(codes, torch.from_numpy(held_out.told)).permute(0, 2, 3, 1)
    error = images - torch.from_numpy(held_out.frames[..., 12:]) / 255
    assert encoder.card.scores["mse"] == pytest.approx(error.square().mean().item(), rel=1e-5)
    assert encoder.card.action_size == 8


def test_pictures_of_a_predicting_model_show_the_later_frame(monkeypatch):
    shown = []
    figure = "worldvae.autoencoders.pictures.reconstruction_figure"
    monkeypatch.setattr(figure, lambda *pair: shown.extend(pair))
    encoder, held_out = predicting(), windows(6, 1).frames
    figures = pictures(encoder, held_out, seed=0)
    assert list(figures) == ["reconstructions", "samples", "traversals"]
    np.testing.assert_array_equal(shown[0], held_out[..., 12:])
    np.testing.assert_array_equal(shown[1], encoder.reconstruct(held_out[..., :9]))
