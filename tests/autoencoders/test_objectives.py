import math

import pytest
import torch
from pydantic import ValidationError
from torch.distributions import Bernoulli, Normal, kl_divergence

from worldvae.autoencoders.divergences import kl_to_standard_normal, with_free_bits
from worldvae.autoencoders.likelihoods import bernoulli_nll, corrupt, gaussian_nll, soft_floor
from worldvae.autoencoders.objectives import ObjectiveConfig

MEAN = torch.tensor([[0.0, 1.0, -2.0], [0.5, 0.0, 3.0]])
LOGVAR = torch.tensor([[0.0, -1.0, 0.5], [-3.0, 1.0, -0.2]])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_kl_equals_the_closed_form_of_torch():
    expected = kl_divergence(Normal(MEAN, (0.5 * LOGVAR).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(MEAN, LOGVAR), expected)
    assert kl_to_standard_normal(MEAN, LOGVAR)[0, 0] == 0


def test_kl_equals_its_monte_carlo_estimate():
    posterior, prior = Normal(MEAN, (0.5 * LOGVAR).exp()), Normal(0.0, 1.0)
    z = MEAN + (0.5 * LOGVAR).exp() * torch.randn(200_000, 2, 3, generator=generator())
    estimate = (posterior.log_prob(z) - prior.log_prob(z)).mean(0)
    torch.testing.assert_close(kl_to_standard_normal(MEAN, LOGVAR), estimate, atol=0.03, rtol=0)


@pytest.mark.parametrize("sigma", [0.1, 0.7071, 2.0])
def test_gaussian_nll_is_that_of_torch(sigma):
    mean, target = torch.rand(2, 4, 3, 5, 6, generator=generator())
    expected = -Normal(mean, sigma).log_prob(target).sum((1, 2, 3))
    actual = gaussian_nll(mean, target, torch.tensor(math.log(sigma)))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-3)


def test_bernoulli_nll_is_that_of_torch():
    logits = torch.randn(4, 3, 5, 6, generator=generator())
    target = (torch.rand(4, 3, 5, 6, generator=generator(1)) < 0.5).float()
    expected = -Bernoulli(logits=logits).log_prob(target).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli_nll(logits, target), expected)


def test_free_bits_are_free_per_latent_and_over_the_batch_mean():
    kl = torch.tensor([[0.0, 1.0, 5.0], [0.4, 2.0, 7.0]], requires_grad=True)
    total = with_free_bits(kl, 0.5)
    assert total.item() == 0.5 + 1.5 + 6.0
    total.backward()
    assert kl.grad.tolist() == [[0.0, 0.5, 0.5]] * 2


def test_beta_warms_up_linearly():
    config = ObjectiveConfig(beta=4, beta_schedule="linear", beta_steps=10)
    assert [config.beta_at(step) for step in (0, 5, 10, 99)] == [0, 2, 4, 4]
    assert ObjectiveConfig(beta=4).beta_at(0) == 4


def test_soft_floor_is_the_identity_far_above_and_never_below():
    values = torch.tensor([-100.0, -6.0, 0.0, 3.0])
    assert (soft_floor(values, -6.0) >= -6.0).all()
    torch.testing.assert_close(soft_floor(values, -6.0)[2:], values[2:], atol=3e-3, rtol=0)


def test_the_mask_greys_out_whole_pixels():
    images = torch.zeros(8, 3, 32, 32)
    damaged = corrupt(images, noise=0, mask=0.25, generator=generator())
    assert set(damaged.unique().tolist()) == {0.0, 0.5}
    assert torch.equal(damaged[:, 0], damaged[:, 2])
    assert (damaged == 0.5).float().mean().item() == pytest.approx(0.25, abs=0.02)


def test_the_noise_has_the_deviation_asked_for():
    damage = corrupt(torch.zeros(8, 3, 32, 32), noise=0.2, mask=0, generator=generator())
    assert damage.std().item() == pytest.approx(0.2, rel=0.02)
    assert damage.mean().item() == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("name", ["ae", "dae", "vae", "beta_vae"])
def test_each_name_alone_is_a_valid_objective(name):
    config = ObjectiveConfig(name=name)
    assert config.noise == (0.1 if name == "dae" else 0)
    assert ObjectiveConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "vae", "beta": 4}, "use objective: beta_vae"),
        ({"name": "ae", "beta": 4}, "ae has no use for beta"),
        ({"name": "dae", "free_bits": 1}, "dae has no use for free_bits"),
        ({"name": "dae", "noise": 0}, "dae needs noise or mask"),
        ({"name": "ae", "noise": 0.1}, "need objective: dae"),
        ({"likelihood": "bernoulli", "sigma": "learned"}, "no sigma"),
        ({"sigma": 0}, "a number above 0 or 'learned'"),
        ({"sigma": "large"}, "a number above 0 or 'learned'"),
        ({"beta": -1}, "greater than or equal to 0"),
    ],
)
def test_a_field_that_would_do_nothing_is_an_error(values, message):
    with pytest.raises(ValidationError, match=message):
        ObjectiveConfig.model_validate(values)
