import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.errors import WorldvaeError
from worldvae.rollouts.policies import EpsilonPolicy, RandomPolicy, SmoothPolicy, draw_uniform

NOBODY = np.zeros(4, bool)
BOX = spaces.Box(np.array([-1, 0], np.float32), np.array([1, 2], np.float32))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def run(policy: RandomPolicy | SmoothPolicy, steps: int) -> NDArray[np.float64]:
    return np.stack([policy(None, NOBODY) for _ in range(steps)])


def test_uniform_fills_the_space() -> None:
    actions = draw_uniform(BOX, 20_000, rng())
    assert actions.dtype == np.float32
    assert np.allclose(actions.mean(axis=0), [0, 1], atol=0.02)
    assert np.allclose(actions.var(axis=0), 4 / 12, atol=0.01)
    discrete = draw_uniform(spaces.Discrete(3, start=2), 3_000, rng())
    assert set(discrete.tolist()) == {2, 3, 4}


def test_smooth_has_the_autocorrelation_and_spread_it_says() -> None:
    wide = spaces.Box(-10, 10, (1,), np.float64)
    actions = run(SmoothPolicy(wide, rng(), autocorrelation=0.9), 20_000)[..., 0]
    correlation = np.corrcoef(actions[:-1, 0], actions[1:, 0])[0, 1]
    # Clipping at two deviations takes 4.6 % of the values to the border.
    assert correlation == pytest.approx(0.9, abs=0.02)
    assert actions.std() == pytest.approx(5, rel=0.08)
    assert abs(actions).max() <= 10


def test_smooth_drift_is_the_mean() -> None:
    policy = SmoothPolicy(BOX, rng(), 0.5, drift=(-0.2, 1.2))
    assert np.allclose(run(policy, 5_000).mean(axis=(0, 1)), [-0.2, 1.2], atol=0.03)


def test_smooth_discrete_keeps_an_action_as_often_as_it_says() -> None:
    actions = run(SmoothPolicy(spaces.Discrete(4), rng(), 0.8), 20_000)
    same = (actions[1:] == actions[:-1]).mean()
    assert same == pytest.approx(0.8 + 0.2 / 4, abs=0.01)


def test_an_episode_starts_afresh() -> None:
    wide = spaces.Box(-10, 10, (1,), np.float64)
    policy = SmoothPolicy(wide, rng(), autocorrelation=0.999)
    rows = [policy(None, np.array([True, False, False, False])) for _ in range(500)]
    steps = np.abs(np.diff(np.stack(rows)[..., 0], axis=0)).mean(axis=0)
    assert steps[0] > 10 * steps[1:].max()


def test_epsilon_replaces_that_share() -> None:
    def constant(obs: object, episode_start: NDArray[np.bool_], state: None) -> NDArray[np.int64]:
        return np.full(len(episode_start), 7)

    policy = EpsilonPolicy(constant, spaces.Discrete(5), rng(), epsilon=0.3)
    actions = np.stack([policy(None, NOBODY) for _ in range(5_000)])
    assert (actions != 7).mean() == pytest.approx(0.3, abs=0.01)


def test_what_cannot_be_sampled_is_refused() -> None:
    with pytest.raises(WorldvaeError, match="bounded Box"):
        RandomPolicy(spaces.Box(-np.inf, np.inf, (2,)), rng())
    with pytest.raises(WorldvaeError, match="bounded Box"):
        RandomPolicy(spaces.MultiBinary(3), rng())
    with pytest.raises(WorldvaeError, match=r"drift has 3 numbers"):
        SmoothPolicy(BOX, rng(), 0.5, drift=(0, 0, 0))
