"""Each score against closed forms and tables small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from worldvae.diagnostics.metrics import disentanglement_scores as scores
from worldvae.diagnostics.metrics.factors import Array, Factor, binned

# Eight frames; H(v) = 1/2 * 1 + 1/4 * 2 + 2 * 1/8 * 3 = 1.75 bits.
V = np.array([0, 0, 0, 0, 1, 1, 2, 3])
HALF = V > 0  # 1 bit, all of it about v
QUARTER = V == 1  # -1/4 log2(1/4) - 3/4 log2(3/4) bits
QUARTER_BITS = 0.8112781


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def halves(n: int) -> Array:
    return np.arange(n) % 2 == 0


def continuous(codes: Array, values: Array) -> Factor:
    return Factor(codes, values, halves(len(values)), discrete=False)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_mutual_information_of_gaussians_matches_its_closed_form(rho: float) -> None:
    """-log(1 - rho^2) / 2 nats; bins lose up to 5 % of it, 10^5 frames add 0.002."""
    x, noise = generator().normal(size=(2, 100_000))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    truth = -np.log(1 - rho**2) / 2
    found = scores.mutual_information(y[:, None], binned(x))[0]
    assert 0.95 * truth <= found <= truth + 0.002


def test_mutual_information_is_biased_as_much_as_theory_says() -> None:
    """(20 - 1)^2 / 2M nats between independent variables in 20 bins."""
    x, *others = generator().normal(size=(9, 10_000))
    found = scores.mutual_information(np.stack(others, axis=1), binned(x))
    assert found.mean() == pytest.approx(19**2 / 20_000, rel=0.1)


def test_mutual_information_of_a_function_is_its_entropy() -> None:
    z = np.repeat(np.arange(6.0), 10)
    codes = np.stack([z, -np.exp(z), np.zeros(60)], axis=1)
    found = scores.mutual_information(codes, binned(z // 2))
    np.testing.assert_allclose(found, [np.log(3), np.log(3), 0], atol=1e-12)


def test_the_gap_of_a_table_by_hand() -> None:
    """(1 - 0.811) / 1.75: over H(v), neither over H(z) nor over log 4."""
    codes = np.stack([QUARTER, np.ones(8), HALF], axis=1).astype(float)
    gap = scores.information_gap(codes, V)
    assert gap == pytest.approx((1 - QUARTER_BITS) / 1.75)


def test_the_gap_of_an_only_latent_is_its_share() -> None:
    assert scores.information_gap(HALF[:, None].astype(float), V) == pytest.approx(1 / 1.75)


def test_top_gap_is_between_the_two_best() -> None:
    assert scores.top_gap(np.array([0.2, 0.9, 0.0, 0.5])) == pytest.approx(0.4)
    assert scores.top_gap(np.array([0.3, 0.3])) == 0


def test_concentration_by_hand() -> None:
    """In units of log 4: two equal shares have entropy 1/2; the scale of a row is nothing."""
    rows = np.array([[3.0, 3, 0, 0], [0, 0, 5, 0], [1, 1, 1, 1], [4, 2, 1, 1], [0, 0, 0, 0]])
    np.testing.assert_allclose(scores.concentration(rows), [0.5, 1, 0, 1 - 1.75 / 2, 0], atol=1e-12)
    assert np.isnan(scores.concentration(rows[:, :1])).all()


def test_latents_weigh_as_much_as_they_are_used() -> None:
    """Latent 0 is pure and has 3/4 of the importance, latent 1 is shared, latent 2 unused."""
    importance = np.array([[3.0, 0.0], [0.5, 0.5], [0.0, 0.0]])
    assert scores.mean_disentanglement(importance) == pytest.approx(0.75)
    assert scores.mean_disentanglement(importance.T) != pytest.approx(0.75)
    assert scores.mean_disentanglement(np.zeros((3, 2))) == 0


def test_predictability_of_a_continuous_factor_is_the_r2_of_a_line() -> None:
    """v = a + b / 2: a explains 1 of 1.25 parts of the variance, b 1/4 of 1.25."""
    a, b, c = generator().normal(size=(3, 50_000))
    factor = continuous(np.stack([c, -9 * a, b + 4], axis=1), a + b / 2)
    found = scores.attribute_predictability(factor)
    np.testing.assert_allclose(found, [0, 0.8, 0.2], atol=0.01)


def test_predictability_of_classes_needs_thresholds_only() -> None:
    """z tells four ordered classes apart; z > 0 names 2 of them: (1/2 - 1/4) / (3/4) = 1/3."""
    classes = generator().integers(4, size=8000)
    z = classes - 1.5 + generator(1).uniform(-0.4, 0.4, size=8000)
    codes = np.stack([z, np.sign(z)], axis=1)
    factor = Factor(codes, classes.astype(float), halves(8000), discrete=True)
    found = scores.attribute_predictability(factor)
    np.testing.assert_allclose(found, [1, 1 / 3], atol=0.01)


def test_trees_share_importance_between_equal_latents() -> None:
    a, b = generator().normal(size=(2, 4000))
    factor = continuous(np.stack([a, a, b, np.zeros(4000)], axis=1), a)
    importance, skill = scores.importance_and_skill(factor, seed=0)
    np.testing.assert_allclose(importance, [0.5, 0.5, 0, 0], atol=0.15)
    assert importance[3] == 0
    assert skill > 0.99


def test_a_vote_goes_to_the_latent_that_stands_still() -> None:
    """Latent 2 carries factor 0, latent 0 factor 1, in units that hide it from raw variances."""
    a, b, c = generator().uniform(size=(3, 4000))
    codes = np.stack([1000 * b, c / 1000, a, np.zeros(4000)], axis=1)
    found = scores.factor_vae_accuracy([continuous(codes, a), continuous(codes, b)], generator())
    np.testing.assert_array_equal(found, [1, 1])


def test_a_latent_that_carries_two_factors_names_one_of_them() -> None:
    """Both factors vote for the only latent that moves."""
    a, b = generator().uniform(size=(2, 4000))
    codes = np.stack([a + b, np.zeros(4000)], axis=1)
    found = scores.factor_vae_accuracy([continuous(codes, a), continuous(codes, b)], generator())
    assert sorted(found) == [0, 1]


def test_votes_are_counted_on_frames_that_taught_nothing() -> None:
    """The latents swap their factors in the held-out half, so every name is wrong there."""
    a, b = generator().uniform(size=(2, 4000))
    codes = np.where(halves(4000), [a, b], [b, a]).T
    found = scores.factor_vae_accuracy([continuous(codes, a), continuous(codes, b)], generator())
    np.testing.assert_array_equal(found, [0, 0])


def test_constant_codes_get_no_vote_and_one_factor_needs_none() -> None:
    a, b = generator().uniform(size=(2, 1000))
    still = [continuous(np.zeros((1000, 3)), values) for values in (a, b)]
    assert scores.factor_vae_accuracy(still, generator()).tolist() == [0, 0]
    assert np.isnan(scores.factor_vae_accuracy(still[:1], generator())).all()
