"""The scores of synthetic codes whose disentanglement is known."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from worldvae.diagnostics.metrics import disentanglement as module
from worldvae.diagnostics.metrics.disentanglement import Disentanglement, disentanglement
from worldvae.diagnostics.metrics.factors import Array
from worldvae.errors import WorldvaeError

N = 4000
MIXED = [False, True, False, True]
SCORES = ("mig", "sap", "dci_disentanglement", "dci_completeness", "dci_informativeness")
HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def mixed_factors(n: int = N) -> Array:
    """A position, one of 5 rooms, a speed with heavy tails, a flag that is seldom set."""
    draw = generator(1)
    columns = [draw.uniform(size=n), draw.integers(5, size=n), draw.standard_t(5, size=n)]
    return np.stack([*columns, draw.uniform(size=n) < 0.1], axis=1)


def uniform_factors(k: int, n: int = N) -> Array:
    return generator(1).uniform(-1, 1, size=(n, k))


def noise(z: int, n: int = N) -> Array:
    return generator(2).normal(size=(n, z))


def continuous(codes: Array, factors: Array, seed: int = 0) -> Disentanglement:
    return disentanglement(codes, factors, [False] * factors.shape[1], seed)


def values(result: Disentanglement) -> Array:
    return np.array([getattr(result, name) for name in (*SCORES, "factor_vae")])


def test_perfect_codes_have_perfect_scores() -> None:
    """Factors in another order, unit and sign, among latents that carry nothing."""
    factors = mixed_factors()
    codes = np.concatenate([noise(3), factors[:, [2, 0, 3, 1]] * [100, -3, 1e-3, 7] + 5], axis=1)
    result = disentanglement(codes, factors, MIXED, seed=0)
    assert (values(result) > 0.95).all()
    assert result.importance.shape == (7, 4)
    np.testing.assert_array_equal(result.importance.argmax(axis=0), [4, 6, 3, 5])
    assert (result.skipped_factors, result.constant_latents, result.rows) == ((), (), N)


def test_latents_that_each_mix_all_factors_are_informative_but_not_disentangled() -> None:
    """A Hadamard matrix gives each factor the same weight in each latent."""
    factors = uniform_factors(4)
    result = continuous(factors @ HADAMARD, factors)
    assert (values(result)[:4] < 0.1).all()
    assert result.dci_informativeness > 0.9


def test_random_mixes_score_far_below_perfect_codes() -> None:
    factors = uniform_factors(4)
    result = continuous(factors @ generator(3).normal(size=(4, 12)), factors)
    assert result.mig < 0.2
    assert result.sap < 0.3
    assert result.dci_disentanglement < 0.7
    assert result.dci_informativeness > 0.95


def test_a_rotation_by_45_degrees_hides_nothing_and_separates_nothing() -> None:
    factors = uniform_factors(2)
    result = continuous(factors @ [[1.0, 1.0], [-1.0, 1.0]], factors)
    assert (values(result)[:4] < 0.03).all()
    assert result.dci_informativeness > 0.98


def test_constant_codes_score_nothing() -> None:
    """Not exactly constant: an encoder's mean differs by rounding."""
    codes = 0.1 + 1e-9 * noise(5)
    result = disentanglement(codes, mixed_factors(), MIXED, seed=0)
    np.testing.assert_array_equal(values(result), np.zeros(6))
    np.testing.assert_array_equal(result.importance, np.zeros((5, 4)))
    assert result.constant_latents == (0, 1, 2, 3, 4)


def test_a_constant_latent_changes_no_other() -> None:
    factors = mixed_factors()
    result = disentanglement(np.insert(factors, 2, 3.0, axis=1), factors, MIXED, seed=0)
    assert result.constant_latents == (2,)
    assert result.importance[2].tolist() == [0, 0, 0, 0]
    assert result.disentanglement_of_latent[2] == 0
    assert (values(result) > 0.95).all()


def test_a_factor_in_two_latents_has_no_gap_and_less_completeness() -> None:
    """Two equal shares among 4 latents: 1 - log 2 / log 4 = 1/2; the latents stay pure."""
    factors = uniform_factors(3)
    result = continuous(np.concatenate([factors, -factors[:, :1]], axis=1), factors)
    np.testing.assert_allclose(result.per_factor.mig, [0, 1, 1], atol=0.05)
    np.testing.assert_allclose(result.per_factor.sap, [0, 1, 1], atol=0.01)
    np.testing.assert_allclose(result.per_factor.completeness, [0.5, 1, 1], atol=0.05)
    assert result.mig == pytest.approx(result.per_factor.mig.mean())
    assert result.dci_disentanglement > 0.98
    assert result.factor_vae == 1


def test_noise_scores_chance() -> None:
    """Learning and scoring on the same half would find an informativeness of 0.65."""
    result = disentanglement(noise(10), mixed_factors(), MIXED, seed=0)
    assert (values(result)[:5] < 0.05).all()
    assert result.factor_vae == pytest.approx(1 / 4, abs=0.12)


def test_correlated_factors_cost_perfect_codes_what_the_docstring_says() -> None:
    """1 - I / H for Gaussians with rho = 0.8 in 20 bins: 1 + log(1 - 0.64) / (2 log 20)."""
    a, b = noise(2).T
    factors = np.stack([a, 0.8 * a + 0.6 * b], axis=1)
    result = continuous(factors, factors)
    assert result.mig == pytest.approx(1 + np.log(0.36) / (2 * np.log(20)), abs=0.03)
    assert result.sap == pytest.approx(1 - 0.64, abs=0.03)
    assert result.dci_disentanglement > 0.9


def test_the_seed_governs_the_numbers() -> None:
    factors = mixed_factors(1000)
    codes = factors @ generator(3).normal(size=(4, 6)) + noise(6, 1000)
    first, again, other = (disentanglement(codes, factors, MIXED, seed) for seed in (0, 0, 1))
    np.testing.assert_equal(astuple(first), astuple(again))
    changed = values(first) != values(other)
    assert changed[1:].all()  # MIG draws nothing below MAX_ROWS
    np.testing.assert_allclose(values(first), values(other), atol=0.15)


def test_the_seed_governs_trees_and_votes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same halves, only these two still draw."""
    monkeypatch.setattr(module, "_training_half", lambda groups, seed: np.arange(1000) < 500)
    factors = mixed_factors(1000)
    codes = factors @ generator(3).normal(size=(4, 6)) + noise(6, 1000)
    first, other = (disentanglement(codes, factors, MIXED, seed) for seed in (0, 1))
    assert first.sap == other.sap
    assert first.dci_informativeness != other.dci_informativeness
    assert first.factor_vae != other.factor_vae


def test_larger_tables_are_sampled_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 500)
    factors = uniform_factors(2, 1000)
    first, other = (continuous(factors + noise(2, 1000), factors, seed) for seed in (0, 1))
    assert first.rows == 500
    assert first.mig != other.mig


def test_an_undefined_factor_is_scored_where_it_is_defined() -> None:
    """A ball that is in play in half of the frames; elsewhere its latent shows noise."""
    factors = uniform_factors(2)
    in_play = generator(4).uniform(size=N) < 0.5
    codes = factors.copy()
    codes[~in_play, 0] = noise(1)[~in_play, 0]
    factors[~in_play, 0] = np.nan
    assert (values(continuous(codes, factors)) > 0.95).all()


def test_factors_that_say_nothing_are_skipped_and_named() -> None:
    """Factor 1 is constant, factor 2 defined in 100 frames."""
    seldom = np.where(np.arange(N) < 100, noise(1)[:, 0], np.nan)
    kept = uniform_factors(2)
    factors = np.stack([kept[:, 0], np.full(N, 0.1), seldom, kept[:, 1]], axis=1)
    result = continuous(kept, factors)
    assert result.skipped_factors == (1, 2)
    assert (values(result) > 0.95).all()
    assert np.isnan(result.importance).all(axis=0).tolist() == [False, True, True, False]
    for scores in vars(result.per_factor).values():
        assert np.isnan(scores).tolist() == [False, True, True, False]


def test_one_latent_and_one_factor_are_told_apart_from_bad_scores() -> None:
    factor = uniform_factors(1)
    result = continuous(factor, factor)
    assert np.isnan([result.dci_disentanglement, result.dci_completeness, result.factor_vae]).all()
    np.testing.assert_allclose([result.mig, result.sap], 1)


def test_frames_of_an_episode_stay_on_one_side() -> None:
    """An episode has a code and, unrelated, a factor: only a leak predicts one from the other."""
    episodes = np.repeat(np.arange(40), 50)
    codes, factors = noise(4, 40)[episodes], uniform_factors(2, 40)[episodes]
    kinds = [False, False]
    leaking = disentanglement(codes, factors, kinds, seed=0)
    fair = disentanglement(codes, factors, kinds, seed=0, episodes=episodes)
    assert leaking.dci_informativeness > 0.95
    assert fair.dci_informativeness < 0.1


@pytest.mark.parametrize(
    ("codes", "factors", "discrete", "fix"),
    [
        (noise(2, 399), uniform_factors(1, 399), [False], "label at least 400"),
        (noise(2) * np.nan, uniform_factors(1), [False], "codes must be finite"),
        (noise(2), uniform_factors(1) * np.inf, [False], "nan where undefined"),
        (noise(2), uniform_factors(1), [True], "factor 0 has 4000 values; declare it continuous"),
        (noise(2), np.ones((N, 2)), [False, True], "label more of the state"),
    ],
)
def test_tables_that_cannot_be_scored_name_the_fix(
    codes: Array, factors: Array, discrete: list[bool], fix: str
) -> None:
    with pytest.raises(WorldvaeError, match=fix):
        disentanglement(codes, factors, discrete, seed=0)


def test_one_episode_cannot_be_halved() -> None:
    with pytest.raises(WorldvaeError, match="at least 2 episodes"):
        disentanglement(noise(2), uniform_factors(2), [False, False], 0, np.zeros(N))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"expected \(N, Z\), \(N, K\), \(K,\)"):
        disentanglement(noise(2), uniform_factors(2), [False], seed=0)
