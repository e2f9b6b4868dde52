"""The perceptual term: what it is, and that the critic behind it stays what it was."""

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import SHAPE, Frames, squares, tiny
from worldvae.autoencoders.examples import FrameBatch
from worldvae.autoencoders.model import Autoencoder
from worldvae.errors import WorldvaeError

FRAMES = torch.from_numpy(squares(6, 0))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def critic_and_model(**objective):
    """A critic in units of its own, and a model that is judged by it."""
    source = Frames(squares(50, 0))
    critic_config = tiny(name="dae", standardise=True)
    critic = Autoencoder.for_frames(critic_config, SHAPE, source, seed=1)
    config = tiny(perceptual=3, **objective)
    return critic, Autoencoder.for_frames(config, SHAPE, source, seed=0, critic=critic)


@pytest.mark.parametrize(
    ("pixels", "weight"), [({"likelihood": "none"}, 0.0), ({"weight": 0.5}, 0.5)]
)
def test_the_perceptual_term_is_half_the_squared_distance_of_the_critics_codes(pixels, weight):
    critic, model = critic_and_model(name="ae", **pixels)
    loss, metrics = model.loss(FrameBatch(FRAMES), generator(), step=0)
    image = model.decode(model.encode(FRAMES).mean)
    distance = critic.encode_images(image).mean - critic.encode(FRAMES).mean
    expected = 0.5 * distance.square().sum(1).mean()
    assert expected > 0
    torch.testing.assert_close(metrics["perceptual"], expected.detach())
    torch.testing.assert_close(loss, weight * metrics["distortion"] + 3 * expected)


def test_a_perfect_reconstruction_costs_nothing_perceptual():
    """The decoder draws the mean frame, and there is only one frame."""
    critic, _ = critic_and_model()
    source = Frames(np.repeat(squares(1, 0), 5, axis=0))
    config = tiny(name="ae", perceptual=3, standardise=True)
    model = Autoencoder.for_frames(config, SHAPE, source, seed=0, critic=critic)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.zero_()
    _, metrics = model.loss(FrameBatch(torch.from_numpy(source.frames)), generator(), step=0)
    assert metrics["mse"].item() == pytest.approx(0, abs=1e-12)
    assert metrics["perceptual"].item() == pytest.approx(0, abs=1e-9)


def test_the_critic_teaches_and_is_neither_trained_nor_saved():
    critic, model = critic_and_model(likelihood="none")
    before = {name: value.clone() for name, value in critic.state_dict().items()}
    assert (
        model.train().state_dict().keys() == Autoencoder(tiny(), SHAPE, seed=0).state_dict().keys()
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(5):
        loss, _ = model.loss(FrameBatch(FRAMES), generator(step), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.decoder.parameters())
    assert all(parameter.grad is None for parameter in critic.parameters())
    assert all(torch.equal(value, before[name]) for name, value in critic.state_dict().items())
    assert not critic.training


def test_without_its_critic_a_perceptual_model_encodes_but_has_no_loss():
    model = Autoencoder(tiny(perceptual=1), SHAPE, seed=0)
    assert model.encode(FRAMES).mean.shape == (6, 4)
    with pytest.raises(WorldvaeError, match="perceptual needs a critic"):
        model.loss(FrameBatch(FRAMES), generator(), step=0)


@pytest.mark.parametrize(
    ("network", "shape", "message"),
    [
        (
            {"stack": 2},
            SHAPE,
            r"critic encodes \(32, 36, 6\), the model decodes \(32, 36, 3\)",
        ),
        ({}, (32, 32, 3), r"critic encodes \(32, 32, 3\), the model decodes \(32, 36, 3\)"),
    ],
)
def test_a_critic_of_other_frames_is_refused(network, shape, message):
    critic = Autoencoder(tiny(network, name="dae"), shape, seed=0)
    with pytest.raises(WorldvaeError, match=message):
        Autoencoder(tiny(perceptual=1), SHAPE, seed=0, critic=critic)
