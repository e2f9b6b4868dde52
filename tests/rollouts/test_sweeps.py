"""Held actions: how long, which ones, how many are random, and that no episode changes another."""

from itertools import groupby
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.rollouts import SweepPolicy

DISCRETE = spaces.Discrete(4, start=2)
BOX = spaces.Box(np.array([-1, 0, 5], np.float32), np.array([1, 2, 9], np.float32))


def play(
    space: spaces.Space[Any],
    steps: int,
    envs: int = 1,
    held: tuple[int, int] = (5, 5),
    noise: tuple[float, ...] = (0.0,),
    starts: NDArray[np.bool_] | None = None,
) -> NDArray[Any]:
    """(T, N, ...) actions; without `starts` (T, N) all is one episode."""
    policy = SweepPolicy(space, np.random.default_rng(0), held, noise)
    starts = np.zeros((steps, envs), bool) if starts is None else starts
    return np.stack([policy(None, row) for row in starts])


def runs(actions: NDArray[Any]) -> list[int]:
    """Lengths of the runs of equal actions (T, ...), without the last one, which is cut."""
    return [len(list(run)) for _, run in groupby(map(tuple, np.atleast_2d(actions.T).T))][:-1]


@pytest.mark.parametrize("space", [DISCRETE, BOX])
def test_every_run_is_as_long_as_the_episode_says(space: spaces.Space[Any]) -> None:
    actions = play(space, 200, envs=50, held=(3, 60))
    lengths = [set(runs(actions[:, env])) for env in range(50)]
    assert all(len(found) == 1 for found in lengths), "the same in all of an episode"
    assert all(space.contains(action) for action in actions.reshape(-1, *space.shape or ()))
    assert len(set.union(*lengths)) > 15, "another one for another episode"


def test_the_length_is_log_uniform_with_both_ends() -> None:
    starts = np.zeros((60, 4_000), bool)
    actions = play(spaces.Box(-1, 1, (1,)), 60, held=(3, 6), starts=starts)
    found = np.array([runs(actions[:, env])[0] for env in range(4_000)])
    chances = np.diff(np.log([3, 4, 5, 6, 7])) / np.log(7 / 3)
    shares = [(found == length).mean() for length in (3, 4, 5, 6)]
    assert shares == pytest.approx(chances, abs=0.03)


def test_half_of_the_episodes_alternate_between_two_actions() -> None:
    actions = play(DISCRETE, 200, envs=400)[::5]  # 40 held actions each
    kinds = np.array([len(set(row)) for row in actions.T])
    assert set(kinds) == {2, 4}
    assert (kinds == 2).mean() == pytest.approx(0.5, abs=0.08)
    assert (actions[1:] != actions[:-1]).all()
    assert (actions[2:, kinds == 2] == actions[:-2, kinds == 2]).all()


def test_a_box_alternates_between_the_ends_of_one_axis() -> None:
    actions = play(BOX, 200, envs=400)[::5]
    alternates = np.array([len(np.unique(actions[:, env], axis=0)) == 2 for env in range(400)])
    assert alternates.mean() == pytest.approx(0.5, abs=0.08)
    moved = (actions[0] != actions[1])[alternates]
    assert (moved.sum(axis=1) == 1).all(), "the other axes stay"
    assert moved.mean(axis=0) == pytest.approx(np.full(3, 1 / 3), abs=0.1)
    first, second = actions[0][alternates][moved], actions[1][alternates][moved]
    axes = moved.argmax(axis=1)
    assert (np.minimum(first, second) == BOX.low[axes]).all()
    assert (np.maximum(first, second) == BOX.high[axes]).all()
    assert (first < second).mean() == pytest.approx(0.5, abs=0.12), "either end comes first"
    others = actions[:, ~alternates].reshape(-1, 3)
    assert others.mean(axis=0) == pytest.approx([0, 1, 7], abs=0.05)


def test_each_episode_draws_a_share_of_noise() -> None:
    wide = spaces.Discrete(1_000)
    actions = play(wide, 2_000, envs=60, held=(10**6, 10**6), noise=(0.0, 0.1, 0.4))
    modes = [np.bincount(row).argmax() for row in actions.T]
    noisy = (actions != modes).mean(axis=0)
    nearest = np.array([0, 0.1, 0.4])[np.abs(noisy[:, None] - [0, 0.1, 0.4]).argmin(axis=1)]
    assert np.abs(noisy - nearest).max() < 0.05
    assert noisy.min() == 0
    assert {np.sum(nearest == share) > 8 for share in (0, 0.1, 0.4)} == {True}


def test_noise_does_not_delay_a_change() -> None:
    clean = play(DISCRETE, 100, envs=8)
    noisy = play(DISCRETE, 100, envs=8, noise=(0.3,))
    assert (clean == noisy).mean() == pytest.approx(1 - 0.3 * 3 / 4, abs=0.06)


@pytest.mark.parametrize("space", [DISCRETE, BOX])
def test_the_end_of_an_episode_begins_anew_and_changes_no_other(space: spaces.Space[Any]) -> None:
    starts = np.zeros((60, 3), bool)
    starts[0] = True
    alone = play(space, 60, held=(3, 9), noise=(0.2,), starts=starts)
    starts[17, 1] = starts[31, 1] = True
    beside = play(space, 60, held=(3, 9), noise=(0.2,), starts=starts)
    assert (alone[:, [0, 2]] == beside[:, [0, 2]]).all()
    assert (alone[:17, 1] == beside[:17, 1]).all()
    assert (alone[17:, 1] != beside[17:, 1]).any()


def test_a_new_episode_holds_its_first_action_for_its_own_number() -> None:
    starts = np.zeros((40, 1), bool)
    starts[[0, 7, 19]] = True
    actions = play(spaces.Box(-1, 1, (2,)), 40, held=(4, 4), starts=starts)[:, 0]
    assert runs(actions) == [4, 3, *3 * [4], *5 * [4]]


def test_what_is_odd_can_be_swept() -> None:
    """One action only; whole numbers; a matrix."""
    assert (play(spaces.Discrete(1, start=7), 20) == 7).all()
    whole = spaces.Box(np.array([[-2, 0]]), np.array([[3, 1]]), dtype=np.int8)
    actions = play(whole, 50, envs=9, noise=(0.2,))
    assert actions.dtype == np.int8
    assert all(whole.contains(action) for action in actions.reshape(-1, 1, 2))
