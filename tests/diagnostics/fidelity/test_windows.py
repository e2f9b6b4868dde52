"""Windows are cut where they should be, and dreams start where they do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tests.diagnostics.fidelity.worlds import MATRIX, MOVES, TRUE, LinearDynamics, splits
from worldvae.diagnostics.fidelity.cut import EpisodeSegment, cut_windows, lay_starts
from worldvae.diagnostics.fidelity.dreams import dream, one_step
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.dynamics.state import DynamicsState


def read(number: int, first: int, last: int) -> EpisodeSegment:
    """Code, action and reward of time t are 100 number + t + 1; episode 0 is terminated."""
    frames = 100 * number + np.arange(first, last + 1, dtype=np.float32)[:, None] + 1
    return EpisodeSegment(
        codes=frames,
        actions=frames[:-1],
        rewards=frames[:-1, 0],
        terminated=(np.arange(first, last) == 4) & (number == 0),
        state=frames.astype(np.float64),
    )


def cut(times: list[int], episodes: list[int]) -> Windows:
    starts = lay_starts([5, 5], 2)
    starts = replace(starts, episodes=np.array(episodes), times=np.array(times))
    return cut_windows(read, starts, [5, 5], ["random", "smooth"], past=2, future=4)


def test_starts_are_spread_over_all_decisions() -> None:
    starts = lay_starts([10, 30], 4)
    assert starts.episodes.tolist() == [0, 1, 1, 1]
    assert starts.times.tolist() == [5, 5, 15, 25]
    assert len(lay_starts([3], 100).times) == 3
    assert len(lay_starts([], 100).times) == 0


def test_a_window_is_padded_where_its_episode_is_not() -> None:
    window = cut([1, 3], [0, 1])
    assert window.codes[..., 0].tolist() == [[0, 1, 2, 3, 4, 5, 6], [102, 103, 104, 105, 106, 0, 0]]
    assert window.valid.tolist() == [
        [False, True, True, True, True, True],
        [True] * 4 + [False] * 2,
    ]
    assert window.starts[:, 0].tolist() == [2, 104]
    assert window.first.tolist() == [1, 0]
    assert np.isnan(window.state[0, 0]).all()
    assert window.policies.tolist() == ["random", "smooth"]


def test_the_frame_after_an_end_is_no_target_but_that_after_a_truncation_is() -> None:
    window = cut([1, 3], [0, 1])
    assert window.ends.tolist() == [[False, False, False, True], [False] * 4]
    assert window.targets.tolist() == [[True, True, True, False], [True, True, False, False]]


def test_after_an_end_a_start_is_observed_as_long_as_others_are() -> None:
    """Of four windows the first one ends; of the others one is truncated, both after decision 0."""
    window = cut([1, 1, 1, 1], [0, 0, 0, 0])
    valid, terminated = window.valid.copy(), np.zeros_like(window.terminated)
    valid[:2, window.past + 1 :] = False
    valid[2:] = True
    terminated[0, window.past] = True
    window = replace(window, valid=valid, terminated=terminated)
    np.testing.assert_allclose(
        window.observation, [[1, 2 / 3, 2 / 3, 2 / 3], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    )


def test_nobody_is_observed_where_all_were_truncated() -> None:
    window = cut([3, 3], [0, 1])
    np.testing.assert_array_equal(window.observation, [[1, 1, 0, 0], [1, 1, 0, 0]])


def test_actions_go_on_with_those_of_other_windows_from_their_starts() -> None:
    window = cut([3, 1], [0, 1])
    actions = window.endless_actions(np.random.default_rng(0))[..., 0]
    assert actions[0, :2].tolist() == [4, 5]
    assert actions[0, 2] in {4, 102}
    assert actions[1].tolist() == [102, 103, 104, 105]


def test_strangers_are_of_other_episodes() -> None:
    windows = splits().test
    others = windows.strangers(np.random.default_rng(0))
    assert (windows.episodes[others] != windows.episodes).all()


def test_memory_is_initial_at_the_first_frame_of_a_window() -> None:
    """What is carried counts the decisions since, so it ends at those before the start and K."""
    carried = []

    class Watched(LinearDynamics):
        def imagine(self, state, *given):  # type: ignore[no-untyped-def]
            carried.append(state.carried[0, :, 0].tolist())
            return super().imagine(state, *given)

    window = cut([1, 3], [0, 1])
    window = replace(
        window,
        codes=np.repeat(window.codes, 2, axis=2),
        actions=np.repeat(window.actions, 5, axis=2),
    )
    dream(Watched(), window, window.actions[:, 2:], seed=0, count=2)
    assert carried[0] == [1, 1, 2, 2]
    assert carried[-1] == [4, 4, 5, 5]


def test_one_step_ahead_is_of_the_code_and_the_action_of_that_step() -> None:
    windows = splits().test
    found = one_step(TRUE, windows, seed=0)
    assert np.allclose(found.rewards[windows.future], windows.paid[windows.future], atol=1e-5)


def test_dreams_without_noise_follow_the_recorded_actions() -> None:
    windows = splits().test
    actions = windows.actions[:, windows.past :]
    codes = dream(LinearDynamics(spread=0), windows, actions, seed=0, count=1).codes[:, 0]
    expected = windows.starts
    for time in range(3):
        expected = expected @ MATRIX + actions[:, time] @ MOVES
        assert np.allclose(codes[:, time], expected, atol=1e-5)


def test_a_dream_ends_once() -> None:
    windows = splits().test
    actions = windows.actions[:, windows.past :]
    samples = dream(LinearDynamics(end_shift=3), windows, actions, seed=0)
    assert samples.ended.sum(2).max() == 1
    assert samples.going[:, :, 0].all()
    ended = samples.ended.any(2)
    assert (samples.going.sum(2)[ended] == samples.ended.argmax(2)[ended] + 1).all()


class Cliff(LinearDynamics):
    """Ends, for certain, where the first number is below 0."""

    def imagine(self, state, *given):  # type: ignore[no-untyped-def]
        state, step = super().imagine(state, *given)
        return state, replace(step, terminated=state.code[:, 0] < 0)


def test_a_dream_that_ended_goes_on_as_one_of_its_window_that_has_not() -> None:
    """What follows an end is compared with no episode that goes on: no agent sees it."""
    windows = splits().test
    actions = windows.actions[:, windows.past :]
    samples = dream(Cliff(), windows, actions, seed=0)
    below = samples.codes[..., 0] < 0
    first_all = (below.all(1).argmax(1), below.all(1).any(1))
    for fallen, when, ever in zip(below, *first_all, strict=True):
        assert not fallen[:, : when if ever else None].any()
    assert samples.ended.any(2).mean() > 0.2
    assert samples.ended.sum(2).max() == 1


def test_it_goes_on_under_the_actions_of_that_one() -> None:
    """Without noise the two dreams of a window are one from where the first of them has ended."""
    windows = splits().test
    actions = windows.actions[:, None, windows.past :].repeat(2, axis=1)
    actions[:, 0] = np.eye(5, dtype=np.float32)[2]  # to the left
    actions[:, 1] = np.eye(5, dtype=np.float32)[1]  # to the right, where nothing ends
    samples = dream(Cliff(spread=0), windows, actions, seed=0, count=2)
    over = np.cumsum(samples.ended[:, 0], axis=1) > 0
    both = np.cumsum(samples.ended[:, 1], axis=1) > 0
    rows = over & ~both
    assert rows.sum() > 100
    np.testing.assert_array_equal(samples.codes[:, 0][rows], samples.codes[:, 1][rows])


def test_a_dream_that_explodes_stays_a_number() -> None:
    windows = splits().test
    actions = windows.actions[:, windows.past :]
    codes = dream(LinearDynamics(growth=1e12), windows, actions, seed=0, count=1).codes
    assert np.isfinite(codes).all()
    assert np.abs(codes).max() == 1e3


def test_each_dream_follows_one_member_of_an_ensemble() -> None:
    """As the dreams that agents train in do."""
    followed = []

    class Ensemble(LinearDynamics):
        def initial(self, n):  # type: ignore[no-untyped-def]
            return DynamicsState(torch.zeros(3, n, 2), torch.zeros(n, 2))

        def observe(self, state, code, actions, episode_start):  # type: ignore[no-untyped-def]
            return DynamicsState(state.carried, code)

        def imagine(self, state, actions, generator, temperature=1.0, members=None):  # type: ignore[no-untyped-def]
            followed.append(members.tolist())
            return super().imagine(state, actions, generator, temperature)

    windows = splits().test
    dream(Ensemble(end_shift=-50), windows, windows.actions[:, windows.past :], seed=0, count=2)
    assert set(followed[0]) == {0, 1, 2}
    assert all(members == followed[0] for members in followed)
