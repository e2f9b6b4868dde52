import math

import pytest
import torch

from tests.autoencoders.tiny import SHAPE, squares, tiny
from worldvae.autoencoders.model import Autoencoder, Posterior
from worldvae.autoencoders.divergences import kl_to_standard_normal
from worldvae.autoencoders.likelihoods import bernoulli_nll, corrupt, gaussian_nll
from worldvae.autoencoders.pixels import Batch, to_float

FRAMES = torch.from_numpy(squares(6, 0))
EVERY = ("ae", "dae", "vae", "beta_vae")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_samples_have_the_posteriors_moments():
    mean, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, math.log(9.0)]])
    many = Posterior(mean.expand(100_000, 2), logvar.expand(100_000, 2)).sample(generator())
    torch.testing.assert_close(many.mean(0), mean[0], atol=0.03, rtol=0)
    torch.testing.assert_close(many.std(0), torch.tensor([1.0, 3.0]), atol=0.03, rtol=0)


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
    loss, metrics = model.loss(Batch(FRAMES), generator(), step=0)
    assert metrics["rate"] == 0
    assert loss == metrics["distortion"]


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_the_loss_is_distortion_plus_beta_times_rate(likelihood):
    model = Autoencoder(
        tiny(beta=3, beta_schedule="linear", beta_steps=4, likelihood=likelihood), SHAPE, seed=0
    )
    loss, metrics = model.loss(Batch(FRAMES), generator(5), step=2)
    posterior, target = model.encode(FRAMES), to_float(FRAMES)
    z = posterior.sample(generator(5))
    nll = {
        "gaussian": lambda: gaussian_nll(model.decode(z), target, torch.tensor(math.log(0.7071))),
        "bernoulli": lambda: bernoulli_nll(model.decoder(z), target),
    }[likelihood]()
    rate = kl_to_standard_normal(posterior.mean, posterior.logvar).sum(1).mean()
    torch.testing.assert_close(metrics["distortion"], nll.mean())
    torch.testing.assert_close(metrics["rate"], rate)
    torch.testing.assert_close(loss, nll.mean() + 1.5 * rate)
    torch.testing.assert_close(metrics["mse"], (model.decode(z) - target).square().mean())


def test_free_bits_leave_the_reported_rate_alone():
    model = Autoencoder(tiny(free_bits=2.0), SHAPE, seed=0)
    loss, metrics = model.loss(Batch(FRAMES), generator(), step=0)
    assert metrics["rate"] < 4 * 2.0
    torch.testing.assert_close(loss, metrics["distortion"] + 4 * 2.0)


def test_a_dae_sees_damage_and_is_judged_by_the_clean_frame():
    model = Autoencoder(tiny(name="dae", noise=0.3, mask=0.2), SHAPE, seed=0)
    _, metrics = model.loss(Batch(FRAMES), generator(7), step=0)
    target = to_float(FRAMES)
    code = model.encoder(corrupt(target, 0.3, 0.2, generator(7)))
    log_sigma = torch.tensor(math.log(0.7071))
    expected = gaussian_nll(model.decode(code), target, log_sigma).mean()
    torch.testing.assert_close(metrics["distortion"], expected)
    assert not torch.allclose(code, model.encode(FRAMES).mean)


def test_a_learned_sigma_becomes_the_root_of_the_squared_error():
    """d/d sigma of the Gaussian likelihood is zero where sigma^2 is the mean squared error."""
    model = Autoencoder(tiny(name="ae", sigma="learned"), SHAPE, seed=0)
    optimizer = torch.optim.Adam([model.raw_log_sigma], lr=3e-3)
    for step in range(250):
        loss, metrics = model.loss(Batch(FRAMES), generator(), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert metrics["sigma"].item() == pytest.approx(metrics["mse"].sqrt().item(), rel=0.01)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_every_parameter_gets_a_gradient_and_the_loss_falls(name, likelihood):
    sigma = "learned" if likelihood == "gaussian" else 0.7071
    model = Autoencoder(tiny(name=name, likelihood=likelihood, sigma=sigma), SHAPE, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        loss, _ = model.loss(Batch(FRAMES), generator(step), step)
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
        loss, metrics = model.loss(Batch(FRAMES), generator(), step=0)
    expected, _ = model.loss(Batch(FRAMES), generator(), step=0)
    assert loss.dtype == torch.float32
    assert {value.dtype for value in metrics.values()} == {torch.float32}
    assert loss.item() == pytest.approx(expected.item(), rel=1e-3)
