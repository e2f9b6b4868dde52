"""Distributions against closed forms of scipy, and expectations without a bias."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from worldvae.dynamics.change_classes import ChangeClasses
from worldvae.dynamics.free_running import CLIMATOLOGY, crps, end_error, mean_error
from worldvae.dynamics.heads import (
    Classes,
    ClassesHead,
    ExpectationHead,
    Mixture,
    MixtureHead,
    begin_at,
)
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.reward_support import RewardSupport
from worldvae.dynamics.sequences import SequenceBatch
from worldvae.dynamics.units import measure_units

WEIGHTS, MEANS, STDS = np.array([0.2, 0.8]), np.array([-1.0, 2.0]), np.array([0.2, 0.1])


def mixture(rows: int) -> Mixture:
    parts = (np.log(WEIGHTS), MEANS, np.log(STDS))
    tensors = [torch.tensor(part, dtype=torch.float32).expand(rows, 1, 2) for part in parts]
    return Mixture(*tensors)


def noise() -> Noise:
    return Noise(torch.Generator().manual_seed(0))


def test_a_mixture_has_the_density_mean_and_deviation_of_its_components() -> None:
    values = np.linspace(-3, 3, 13)
    density = sum(
        w * stats.norm.pdf(values, m, s) for w, m, s in zip(WEIGHTS, MEANS, STDS, strict=True)
    )
    found = mixture(13).log_prob(torch.tensor(values, dtype=torch.float32)[:, None])
    np.testing.assert_allclose(found[:, 0].exp(), density, rtol=1e-4, atol=1e-6)
    mean = float(WEIGHTS @ MEANS)
    variance = float(WEIGHTS @ (STDS**2 + MEANS**2)) - mean**2
    assert mixture(1).mean().item() == pytest.approx(mean, rel=1e-5)
    assert mixture(1).std().item() == pytest.approx(variance**0.5, rel=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_of_a_mixture_have_tempered_weights_and_variances(temperature: float) -> None:
    drawn = mixture(40_000).sample(noise(), temperature)[:, 0].numpy()
    tempered = WEIGHTS ** (1 / temperature)
    tempered /= tempered.sum()
    heavy = drawn > 0.5
    assert heavy.mean() == pytest.approx(tempered[1], abs=0.01)
    assert drawn[heavy].std() == pytest.approx(STDS[1] * temperature**0.5, rel=0.03)


def test_classes_are_drawn_with_their_probabilities_and_judged_by_the_nearest() -> None:
    values = torch.tensor([[-8.0, 0.0, 3.0, torch.nan]])
    weights = torch.tensor([0.1, 0.6, 0.3, 0.0]).log().expand(40_000, 1, 4)
    classes = Classes(weights, values)
    drawn = classes.sample(noise(), 1.0)[:, 0]
    shares = [(drawn == value).float().mean().item() for value in (-8.0, 0.0, 3.0)]
    assert shares == pytest.approx([0.1, 0.6, 0.3], abs=0.01)
    heaviest = Classes(torch.tensor([0.6, 0.1, 0.3, 0.0]).log().expand(9, 1, 4), values)
    assert (heaviest.sample(noise(), 0.0) == -8).all()
    assert classes.mean()[0].item() == pytest.approx(-0.8 + 0.9)
    assert classes.std()[0].item() == pytest.approx((6.4 + 2.7 - 0.01) ** 0.5)
    near = Classes(weights[:1], values).log_prob(torch.tensor([[-7.0]]))
    assert near.item() == pytest.approx(np.log(0.1))


def test_a_mixture_is_in_the_units_of_each_number() -> None:
    """And no deviation is beyond its bounds, which are e^-3 and e^3 of them."""
    head = MixtureHead(1, torch.tensor([2.0, 0.5]), 2)
    logits = torch.tensor([[0.0, np.log(3)], [0.0, 0.0]])
    means = torch.tensor([[1.0, -1.0], [4.0, 0.0]])
    log_stds = torch.tensor([[0.0, 99.0], [-99.0, 0.0]])
    begin_at(head.layer, torch.stack([logits, means, log_stds], 1))
    found = head(torch.ones(5, 1))
    least, most = np.exp(-3), np.exp(3)
    for part, expected in (
        (found.log_weights.exp(), [[0.25, 0.75], [0.5, 0.5]]),
        (found.means, [[2, -2], [2, 0]]),
        (found.log_stds.exp(), [[2, 2 * most], [0.5 * least, 0.5]]),
    ):
        np.testing.assert_allclose(part.detach(), [expected] * 5, rtol=1e-4)


def test_of_a_head_only_the_numbers_that_were_known_go_on() -> None:
    """Quantiles up to 1 express what goes to 1, and not what goes to 5."""
    known = torch.tensor([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]])
    met = torch.tensor([[-0.5, 0.0, 1.0], [0.0, 1.0, 5.0]])
    before, later = (ClassesHead(4, ChangeClasses.even(values)) for values in (known, met))
    old, own = before.state_dict(), later.state_dict()
    state = later.after(before)
    assert state["values"].tolist() == [known[0].tolist(), met[1].tolist()]
    for name in ("layer.weight", "layer.bias"):
        assert torch.equal(state[name], torch.cat([old[name][:3], own[name][3:]])), name


def test_a_reward_between_two_values_of_the_support_is_no_rounding() -> None:
    head = ExpectationHead(1, RewardSupport.even(torch.tensor([-1.0, 0.0, 0.5, 2.0])))
    shares = torch.tensor([0.0, 0.0, 0.25, 0.75])
    cost = head.cross_entropy(shares.log(), torch.tensor(1.625))  # 0.25 x 0.5 + 0.75 x 2
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert head.mean(shares.log()).item() == pytest.approx(1.625)
    assert cost.item() == pytest.approx(entropy, rel=1e-5)
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4]).log().expand(4, 4)
    ends = head.cross_entropy(weights, torch.tensor([-9.0, -1.0, 2.0, 9.0]))
    np.testing.assert_allclose(ends, -np.log([0.1, 0.1, 0.4, 0.4]), rtol=1e-5)


def test_the_score_of_two_samples_is_that_of_their_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 200_000, generator=generator)
    # Of N(0, 1) at y: y (2 Phi(y) - 1) + 2 phi(y) - 1 / sqrt(pi) (Gneiting & Raftery, 2007).
    for y in (0.0, 0.7, -2.0):
        exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
        assert crps(first, second, torch.tensor(y)).mean().item() == pytest.approx(exact, abs=0.01)
    third = torch.randn(200_000, generator=generator)
    assert crps(first, second, third).mean().item() == pytest.approx(CLIMATOLOGY, rel=0.01)


def test_units_hold_the_values_that_a_key_can_take_on() -> None:
    from tests.dynamics.test_model import data

    batch = data()
    units = measure_units(batch, 3, 64)
    change = batch.batch.mean[:, 1:] - batch.batch.mean[:, :-1]
    seen = set(change[batch.batch.targets][:, 3].tolist())
    found = units.key_classes.values[0]
    assert set(found[~found.isnan()].tolist()) == seen
    assert units.rewards.values[0] <= batch.batch.rewards.min() + 1e-6
    assert units.rewards.values[-1] >= batch.batch.rewards.max() - 1e-6
    assert (units.rewards.values.diff() > 0).all()
    assert units.end_rate == pytest.approx(1 / 29)


def test_ends_are_judged_relative_to_their_mean_rate() -> None:
    ends = torch.tensor([[True, False, False, False]])
    batch = SequenceBatch(*[torch.zeros(1, 4)] * 4, terminated=ends, valid=torch.ones(1, 4) > 0)
    rate = torch.tensor(0.25)
    constant, wrong = torch.full((1, 4), 0.25), 1 - ends.float()
    known = end_error(constant, constant, batch, rate)
    assert known.mean().item() == pytest.approx(1.0)
    assert end_error(ends.float(), constant, batch, rate).sum() == 0
    assert end_error(wrong, wrong, batch, rate).mean().item() == pytest.approx(1 / 0.1875)


def test_the_error_of_an_expectation_is_least_for_the_true_one() -> None:
    """One reward in twenty is 1. Paying nothing is least by absolute error, and is not the mean."""
    truth = (torch.arange(1000) % 20 == 0).float()
    errors = {
        paid: mean_error(torch.tensor(paid), torch.tensor(paid), truth).mean().item()
        for paid in (0.0, 0.03, 0.05, 0.07, 1.0)
    }
    assert min(errors, key=lambda paid: errors[paid]) == 0.05
    assert errors[0.05] == pytest.approx(0.05 * 0.95)


def test_the_error_of_an_expectation_does_not_count_how_runs_differ() -> None:
    """Of two dreams that pay 0 or 1 at random the mean is right on average: a fair coin's."""
    generator = torch.Generator().manual_seed(0)
    first, second, truth = torch.randint(2, (3, 100_000), generator=generator).float()
    assert mean_error(first, second, truth).mean().item() == pytest.approx(0.25, abs=0.01)
