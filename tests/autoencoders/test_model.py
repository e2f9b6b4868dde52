import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from tests.autoencoders.tiny import SHAPE, Frames, squares, tiny
from worldvae.autoencoders.divergences import decompose_kl, dip_penalty, kl_to_standard_normal
from worldvae.autoencoders.examples import FrameBatch
from worldvae.autoencoders.likelihoods import bernoulli_nll, corrupt, gaussian_nll
from worldvae.autoencoders.model import Autoencoder, Posterior
from worldvae.autoencoders.pixels import to_float
from worldvae.autoencoders.statistics import LEAST_STD, PixelStatistics

FRAMES = torch.from_numpy(squares(6, 0))
LOG_SQRT_HALF = torch.tensor(math.log(0.7071))
EVERY = ("ae", "dae", "vae", "beta_vae", "capacity_vae", "beta_tcvae", "dip_vae")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_samples_have_the_posteriors_moments():
    mean, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, math.log(9.0)]])
    many = Posterior(mean.expand(100_000, 2), logvar.expand(100_000, 2)).sample(generator())
    torch.testing.assert_close(many.mean(0), mean[0], atol=0.03, rtol=0)
    torch.testing.assert_close(many.std(0), torch.tensor([1.0, 3.0]), atol=0.03, rtol=0)


def test_no_frame_is_so_strange_that_its_code_knows_no_bounds():
    """A logvar of 26, which a rare frame of Pong got, is a sample of half a million."""
    model = Autoencoder(tiny(), SHAPE, seed=0)
    with torch.no_grad():
        list(model.encoder.parameters())[-1][4:] = 26.0  # the bias of its logvar
    posterior = model.encode(torch.zeros(2, *SHAPE, dtype=torch.uint8))
    assert (posterior.logvar <= 5.0).all()
    assert posterior.sample(generator()).abs().max() < 100
    posterior.kl().sum().backward()
    pull = list(model.encoder.parameters())[-1].grad[4:]
    assert (pull > 0).all(), "training pulls it down"


def test_gradients_pass_through_a_sample():
    """z = m + exp(l / 2) eps: dz/dm = 1 and dz/dl = (z - m) / 2."""
    mean = torch.tensor([[1.0, -2.0]], requires_grad=True)
    logvar = torch.tensor([[0.5, -1.0]], requires_grad=True)
    z = Posterior(mean, logvar).sample(generator())
    z.sum().backward()
    assert mean.grad.tolist() == [[1.0, 1.0]]
    torch.testing.assert_close(logvar.grad, (z - mean).detach() / 2)


@pytest.mark.parametrize("name", EVERY)
def test_codes_and_images_have_their_shapes(name):
    model = Autoencoder(tiny(name=name), SHAPE, seed=0)
    posterior = model.encode(FRAMES)
    images = model.decode(posterior.mean)
    assert posterior.mean.shape == posterior.logvar.shape == (6, 4)
    assert images.shape == (6, 3, 32, 36)
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize("name", ["ae", "dae"])
def test_a_point_code_is_its_own_sample_and_has_no_rate(name):
    model = Autoencoder(tiny(name=name), SHAPE, seed=0)
    posterior = model.encode(FRAMES)
    assert torch.equal(posterior.sample(generator()), posterior.mean)
    loss, metrics = model.loss(FrameBatch(FRAMES), generator(), step=0)
    assert metrics["rate"] == 0
    assert loss == metrics["distortion"]


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_the_loss_is_distortion_plus_beta_times_rate(likelihood):
    model = Autoencoder(
        tiny(beta=3, beta_schedule="linear", beta_steps=4, likelihood=likelihood), SHAPE, seed=0
    )
    loss, metrics = model.loss(FrameBatch(FRAMES), generator(5), step=2)
    posterior, target = model.encode(FRAMES), to_float(FRAMES)
    z = posterior.sample(generator(5))
    nll = {
        "gaussian": lambda: gaussian_nll((model.decode(z) - target).square(), LOG_SQRT_HALF),
        "bernoulli": lambda: bernoulli_nll(model.decoder(z), target),
    }[likelihood]()
    rate = kl_to_standard_normal(posterior.mean, posterior.logvar).sum(1).mean()
    torch.testing.assert_close(metrics["distortion"], nll.mean())
    torch.testing.assert_close(metrics["rate"], rate)
    torch.testing.assert_close(loss, nll.mean() + 1.5 * rate)
    torch.testing.assert_close(metrics["mse"], (model.decode(z) - target).square().mean())


def test_free_bits_leave_the_reported_rate_alone():
    model = Autoencoder(tiny(free_bits=2.0), SHAPE, seed=0)
    loss, metrics = model.loss(FrameBatch(FRAMES), generator(), step=0)
    assert metrics["rate"] < 4 * 2.0
    torch.testing.assert_close(loss, metrics["distortion"] + 4 * 2.0)


def test_a_dae_sees_damage_and_is_judged_by_the_clean_frame():
    model = Autoencoder(tiny(name="dae", noise=0.3, mask=0.2), SHAPE, seed=0)
    _, metrics = model.loss(FrameBatch(FRAMES), generator(7), step=0)
    target = to_float(FRAMES)
    code = model.encoder(corrupt(target, 0.3, 0.2, 0.5, generator(7)))
    log_sigma = torch.tensor(math.log(0.7071))
    expected = gaussian_nll((model.decode(code) - target).square(), log_sigma).mean()
    torch.testing.assert_close(metrics["distortion"], expected)
    assert not torch.allclose(code, model.encode(FRAMES).mean)


def test_a_learned_sigma_becomes_the_root_of_the_squared_error():
    """d/d sigma of the Gaussian likelihood is zero where sigma^2 is the mean squared error."""
    model = Autoencoder(tiny(name="ae", sigma="learned"), SHAPE, seed=0)
    optimizer = torch.optim.Adam([model.raw_log_sigma], lr=3e-3)
    for step in range(250):
        loss, metrics = model.loss(FrameBatch(FRAMES), generator(), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert metrics["sigma"].item() == pytest.approx(metrics["mse"].sqrt().item(), rel=0.01)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_every_parameter_gets_a_gradient_and_the_loss_falls(name, likelihood):
    sigma = {"sigma": "learned"} if likelihood == "gaussian" else {}
    model = Autoencoder(tiny(name=name, likelihood=likelihood, **sigma), SHAPE, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        loss, _ = model.loss(FrameBatch(FRAMES), generator(step), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert losses[-1] < 0.8 * losses[0]


def test_the_seed_decides_the_weights_and_leaves_torchs_generator_alone():
    before = torch.get_rng_state()
    first, again, other = (Autoencoder(tiny(), SHAPE, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    assert not torch.equal(first.decoder[0].weight, other.decoder[0].weight)


def test_bfloat16_keeps_losses_in_float32():
    model = Autoencoder(tiny(), SHAPE, seed=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, metrics = model.loss(FrameBatch(FRAMES), generator(), step=0)
    expected, _ = model.loss(FrameBatch(FRAMES), generator(), step=0)
    assert loss.dtype == torch.float32
    assert {value.dtype for value in metrics.values()} == {torch.float32}
    assert loss.item() == pytest.approx(expected.item(), rel=1e-3)


def coded(model, seed):
    """The posterior and the sample that `loss` sees with the generator of `seed`."""
    posterior = model.encode(FRAMES)
    return posterior, posterior.sample(generator(seed))


@pytest.mark.parametrize(
    ("step", "target"), [(0, 0.0), (3, 6.0), (8, 16.0), (99, 16.0), (None, 16.0)]
)
def test_a_capacity_vae_pays_for_the_distance_from_its_target_rate(step, target):
    settings = {"capacity": 16, "capacity_steps": 8, "gamma": 5}
    model = Autoencoder(tiny(name="capacity_vae", **settings), SHAPE, seed=0)
    loss, metrics = model.loss(FrameBatch(FRAMES), generator(), step)
    expected = metrics["distortion"] + 5 * abs(metrics["rate"] - target)
    torch.testing.assert_close(loss.detach(), expected)


def test_a_beta_tcvae_weighs_the_total_correlation_alone():
    config = tiny(name="beta_tcvae", beta=6)
    model = Autoencoder.for_frames(config, SHAPE, Frames(squares(50, 0)), seed=0)
    loss, metrics = model.loss(FrameBatch(FRAMES), generator(3), step=0)
    posterior, sample = coded(model, 3)
    parts = decompose_kl(sample, posterior.mean, posterior.logvar, frames=50)
    cost = parts.mutual_information + 6 * parts.total_correlation + parts.dimension_wise
    torch.testing.assert_close(loss, metrics["distortion"] + cost)


def test_a_dip_vae_adds_the_covariances_distance():
    model = Autoencoder(tiny(name="dip_vae", beta=2, dip=7), SHAPE, seed=0)
    loss, metrics = model.loss(FrameBatch(FRAMES), generator(), step=0)
    posterior = model.encode(FRAMES)
    penalty = dip_penalty(posterior.mean, posterior.logvar)
    torch.testing.assert_close(loss, metrics["distortion"] + 2 * metrics["rate"] + 7 * penalty)


@pytest.mark.parametrize("sigma", [0.3, "learned"])
def test_in_units_of_each_pixel_the_distortion_is_still_a_density(sigma):
    """-log N(target; mean + std output, (sigma std)^2), the same as without units."""
    config = tiny(name="ae", standardise=True, sigma=sigma)
    model = Autoencoder.for_frames(config, SHAPE, Frames(squares(50, 0)), seed=0)
    _, metrics = model.loss(FrameBatch(FRAMES), generator(), step=0)
    units = (to_float(FRAMES) - model.pixel_mean) / model.pixel_std
    output = model.decoder(model.encoder(units))
    deviation = model.log_sigma().exp() * model.pixel_std
    density = Normal(model.pixel_mean + model.pixel_std * output, deviation)
    expected = -density.log_prob(to_float(FRAMES)).sum((1, 2, 3)).mean()
    torch.testing.assert_close(metrics["distortion"], expected.detach())


def test_a_standardised_model_decodes_images_and_knows_black_pixels():
    frames = squares(50, 0)
    frames[:, :4] = 0
    model = Autoencoder.for_frames(tiny(standardise=True), SHAPE, Frames(frames), seed=0)
    assert (model.pixel_std[:, :4] == LEAST_STD).all()
    images = model.decode(100 * torch.randn(8, 4, generator=generator()))
    assert images.min() == 0
    assert images.max() == 1
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.zero_()
    torch.testing.assert_close(model.decode(torch.zeros(1, 4))[0], model.pixel_mean)


def rare_and_common():
    """Left a 1 x 2 object in each of 256 places, right an 8 x 8 one in each of 8: (256, 32, 32, 1).

    Each covers each pixel of its half equally often: 1 time in 256 and 1 in 8.
    """
    frames = np.zeros((256, 32, 32, 1), np.uint8)
    for place, frame in enumerate(frames):
        row, column = divmod(place, 8)
        frame[row, 2 * column : 2 * column + 2] = 255
        row, column = divmod(place % 8, 2)
        frame[8 * row : 8 * row + 8, 16 + 8 * column : 24 + 8 * column] = 255
    return frames


@pytest.mark.parametrize(
    ("standardise", "small", "large"),
    [(True, 512.0, 512.0), (False, 2 * (1 - 1 / 256), 64 * (1 - 1 / 8))],
)
def test_an_object_of_two_pixels_weighs_as_much_as_one_of_64(standardise, small, large):
    """What leaving an object out costs: its mean squared error in units of sigma = 1.

    A pixel that is white with chance p has variance p (1 - p): left out it costs 1 in its own
    units, so that each object costs the 512 pixels of its half, however small it is; in grey
    levels it costs p (1 - p) times those 512.
    """
    frames = rare_and_common()
    config = tiny({"latents": 1}, name="ae", standardise=standardise, sigma=1.0)
    model = Autoencoder.for_frames(config, (32, 32, 1), Frames(frames), seed=0)
    target = to_float(torch.from_numpy(frames))
    error = ((target - target.mean(0)) / model.pixel_std).square().mean((0, 1))
    assert error[:, :16].sum().item() == pytest.approx(small, rel=1e-4)
    assert error[:, 16:].sum().item() == pytest.approx(large, rel=1e-4)


def test_a_model_in_plain_pixels_has_neutral_units():
    model = Autoencoder(tiny(), SHAPE, seed=0, pixels=PixelStatistics.neutral(SHAPE))
    assert (model.pixel_mean == 0).all()
    assert (model.pixel_std == 1).all()


def test_moving_pixels_count_more():
    """Frame pairs in which one square of 10 x 10 appears: it alone weighs 1 + 4."""
    before = torch.full_like(FRAMES, 30)
    frames = torch.cat([before, FRAMES], dim=-1)
    model = Autoencoder(tiny(name="ae", motion_weight=4), SHAPE, seed=0)
    _, metrics = model.loss(FrameBatch(frames), generator(), step=0)
    target = to_float(FRAMES)
    image, square = model.decode(model.encode(FRAMES).mean), target[:, :1] > 0.5
    assert square.sum((1, 2, 3)).tolist() == [100] * 6
    weight = torch.where(square, 5.0, 1.0)
    expected = gaussian_nll((image - target).square(), LOG_SQRT_HALF, weight).mean()
    torch.testing.assert_close(metrics["distortion"], expected.detach())
