"""Dynamics learn worlds whose truth is known: distributions, alignment, memory, ends."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.dynamics.known import Episode, Windows, follow, tensor, trained, untrained, windows
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import SequenceBatch

DECAY = np.array([[0.9, 0.2], [-0.2, 0.8]])
PUSH = np.array([[0.5], [-0.3]])
NOISE = np.array([0.1, 0.3])
LENGTH = 12
TEACHER = {"own_samples": 0.0}
"""Real codes alone: where the next code is pure chance, own samples have nothing to do with it."""


def linear_episodes(count: int, seed: int) -> list[Episode]:
    """x' = A x + B a + e, e ~ N(0, diag(NOISE^2)); the reward is x_0 + a."""
    random = np.random.default_rng(seed)
    episodes = []
    for _ in range(count):
        actions = random.uniform(-1, 1, (LENGTH, 1))
        codes = [random.normal(size=2)]
        for action in actions:
            codes.append(DECAY @ codes[-1] + PUSH @ action + NOISE * random.normal(size=2))
        table = np.stack(codes)
        episodes.append((table, actions, table[:-1, 0] + actions[:, 0], False))
    return episodes


@cache
def linear_dynamics(head: str) -> Dynamics:
    return trained(windows(linear_episodes(1_000, 0), LENGTH), 200, head=head)


@pytest.mark.parametrize("head", ["gaussian", "mixture", "categorical"])
def test_a_linear_gaussian_world_is_predicted_with_its_mean_and_deviation(head: str) -> None:
    model = linear_dynamics(head)
    fresh = linear_episodes(200, 1)
    codes = np.stack([one[0][:6] for one in fresh])
    actions = np.stack([one[1][:6] for one in fresh])
    prediction = model.predict(follow(model, codes, actions[:, :5]), tensor(actions[:, 5]))
    change = codes[:, 5] @ (DECAY - np.eye(2)).T + actions[:, 5] @ PUSH.T
    error = prediction.change.mean().numpy() - change
    coarse = 4 if head == "categorical" else 1  # the outermost of its 64 quantiles are wide
    assert (np.sqrt((error**2).mean(0)) < 0.35 * coarse * NOISE).all()
    assert prediction.change.std().numpy().mean(0) == pytest.approx(NOISE, rel=0.2 * coarse)
    reward = codes[:, 5, 0] + actions[:, 5, 0]
    assert np.abs(prediction.reward.numpy() - reward).mean() < 0.15


@pytest.mark.parametrize("head", ["gaussian", "mixture"])
def test_free_dreams_of_a_linear_gaussian_world_spread_as_it_does(head: str) -> None:
    """After k decisions x ~ N(A^k x_0 + sum A^i B a, sum A^i Q A^iT), i from 0 to k - 1."""
    model, draws, ahead = linear_dynamics(head), 50, 5
    fresh = linear_episodes(200, 1)
    codes = np.stack([one[0][:6] for one in fresh])
    actions = np.stack([one[1][: 5 + ahead] for one in fresh])
    state = follow(model, codes.repeat(draws, 0), actions[:, :5].repeat(draws, 0))
    generator = torch.Generator().manual_seed(0)
    mean, covariance = codes[:, 5], np.zeros((2, 2))
    for step in range(ahead):
        action = actions[:, 5 + step]
        state, _ = model.imagine(state, tensor(action.repeat(draws, 0)), generator)
        mean = mean @ DECAY.T + action @ PUSH.T
        covariance = DECAY @ covariance @ DECAY.T + np.diag(NOISE**2)
    dreamed = state.code.numpy().reshape(len(fresh), draws, 2)
    deviation = np.sqrt(np.diag(covariance))
    assert (deviation > 1.4 * NOISE).all(), "several steps spread more than one"
    assert np.sqrt(dreamed.var(1, ddof=1).mean(0)) == pytest.approx(deviation, rel=0.2)
    error = dreamed.mean(1) - mean
    assert (np.sqrt((error**2).mean(0)) < 0.4 * deviation).all()
    within = dreamed - dreamed.mean(1, keepdims=True)
    correlation = (within[..., 0] * within[..., 1]).mean() / within.std((0, 1)).prod()
    assert correlation == pytest.approx(covariance[0, 1] / deviation.prod(), abs=0.1)


def conveyor(count: int, seed: int) -> list[Episode]:
    """Codes and actions of +-1, drawn anew at each step: only the present pair tells what follows.

    The reward is x_0 a; the episode ends by x_1 = a = 1, a second bit letting one in two go on.
    """
    random = np.random.default_rng(seed)
    episodes = []
    for _ in range(count):
        codes = random.choice([-1.0, 1.0], (LENGTH + 1, 3))
        actions = random.choice([-1.0, 1.0], (LENGTH, 1))
        ends = (codes[:-1, 1] == 1) & (codes[:-1, 2] == 1) & (actions[:, 0] == 1)
        length = int(ends.argmax()) + 1 if ends.any() else LENGTH
        rewards = codes[:length, 0] * actions[:length, 0]
        episodes.append((codes[: length + 1], actions[:length], rewards, bool(ends.any())))
    return episodes


def conveyor_errors(change: Any = lambda batch: batch) -> tuple[float, float]:
    """Mean error of the reward, and of the probability of an end, after training on `change`."""
    model = trained(windows(conveyor(2_000, 0), LENGTH), 250, change=change, objective=TEACHER)
    random = np.random.default_rng(1)
    codes = random.choice([-1.0, 1.0], (300, 4, 3))
    codes[:, :3, 1] = -1  # nothing ended before
    actions = random.choice([-1.0, 1.0], (300, 4, 1))
    prediction = model.predict(follow(model, codes, actions[:, :3]), tensor(actions[:, 3]))
    reward = codes[:, 3, 0] * actions[:, 3, 0]
    end = (codes[:, 3, 1] == 1) & (codes[:, 3, 2] == 1) & (actions[:, 3, 0] == 1)
    probability = prediction.end_probability.numpy()
    reward_error = np.abs(prediction.reward.numpy() - reward).mean()
    return float(reward_error), float(np.abs(probability - end).mean())


def test_reward_and_end_follow_from_the_present_code_and_action() -> None:
    reward, end = conveyor_errors()
    assert reward < 0.1
    assert end < 0.05


def later(batch: SequenceBatch) -> SequenceBatch:
    """Rewards one step too late, as if they came with the frame before."""
    return SequenceBatch(**{**batch.tensors(), "rewards": batch.rewards.roll(1, 1)})


def sooner(batch: SequenceBatch) -> SequenceBatch:
    return SequenceBatch(**{**batch.tensors(), "rewards": batch.rewards.roll(-1, 1)})


@pytest.mark.parametrize("shift", [later, sooner])
def test_rewards_that_are_off_by_one_are_noticed(shift: Any) -> None:
    assert conveyor_errors(shift)[0] > 0.4


def end_later(batch: SequenceBatch) -> SequenceBatch:
    """Ends one step too late, each at a decision that is not there any more."""
    ends = batch.terminated.roll(1, 1)
    return SequenceBatch(**{**batch.tensors(), "terminated": ends, "valid": batch.valid | ends})


def end_sooner(batch: SequenceBatch) -> SequenceBatch:
    return SequenceBatch(**{**batch.tensors(), "terminated": batch.terminated.roll(-1, 1)})


@pytest.mark.parametrize("shift", [end_later, end_sooner])
def test_ends_that_are_off_by_one_are_noticed(shift: Any) -> None:
    assert conveyor_errors(shift)[1] > 0.1


def delayed(count: int, seed: int) -> list[Episode]:
    """A bit is shown at the start alone, and paid ten steps later; a little noise between."""
    random = np.random.default_rng(seed)
    episodes = []
    for _ in range(count):
        codes = random.normal(size=(LENGTH + 1, 2)) * np.array([0.1, 0.0])
        bit = random.choice([-1.0, 1.0])
        codes[0, 1] = bit
        rewards = np.zeros(LENGTH)
        rewards[10] = bit
        episodes.append((codes, np.zeros((LENGTH, 1)), rewards, False))
    return episodes


@pytest.mark.parametrize("core", ["gru", "lstm"])
def test_what_was_shown_ten_steps_ago_is_remembered(core: str) -> None:
    model = trained(windows(delayed(500, 0), LENGTH), 400, objective=TEACHER, core=core)
    fresh = delayed(100, 1)
    codes = np.stack([one[0][:11] for one in fresh])
    actions = np.zeros((100, 11, 1))
    bits = codes[:, 0, 1]
    prediction = model.predict(follow(model, codes, actions[:, :10]), tensor(actions[:, 10]))
    assert np.abs(prediction.reward.numpy() - bits).mean() < 0.3
    # The same code without what came before it says nothing.
    forgetful = follow(model, codes[:, 10:], actions[:, :0])
    blind = model.predict(forgetful, tensor(actions[:, 10])).reward.numpy()
    assert np.abs(blind - bits).mean() > 0.8


def ending(count: int, rate: float, seed: int) -> list[Episode]:
    """Each decision ends the episode with probability `rate`; its last frame is black."""
    random = np.random.default_rng(seed)
    episodes = []
    for _ in range(count):
        ends = random.random(LENGTH) < rate
        length = int(ends.argmax()) + 1 if ends.any() else LENGTH
        codes = random.normal(size=(length + 1, 2))
        if ends.any():
            codes[-1] = -30.0
        episodes.append((codes, np.zeros((length, 1)), np.ones(length), bool(ends.any())))
    return episodes


def test_ends_are_sampled_at_their_true_rate_though_they_weigh_more() -> None:
    rate, dreams = 0.05, 4_000
    model = trained(windows(ending(3_000, rate, 0), LENGTH), 200, objective={"end_weight": 20})
    state = follow(model, np.zeros((dreams, 1, 2)), np.zeros((dreams, 0, 1)))
    generator = torch.Generator().manual_seed(0)
    drawn = 0
    for _ in range(5):
        state, step = model.imagine(state, torch.zeros(dreams, 1), generator)
        drawn += int(step.terminated.sum())
    assert drawn / (5 * dreams) == pytest.approx(rate, rel=0.25)


def test_the_frame_after_an_end_is_no_target() -> None:
    data = windows(ending(500, 0.2, 0), LENGTH)
    model = trained(data, 150)
    state = follow(model, np.zeros((500, 1, 2)), np.zeros((500, 0, 1)))
    state, _ = model.imagine(state, torch.zeros(500, 1), torch.Generator().manual_seed(0))
    assert state.code.min() > -10
    # Not a bit of the loss depends on it, nor do the units.
    last = data.batch.terminated.nonzero()
    painted = data.batch.mean.clone()
    painted[last[:, 0], last[:, 1] + 1] = 1_000.0
    other = Windows(SequenceBatch(**{**data.batch.tensors(), "mean": painted}))
    losses = [
        float(untrained(one).loss(one.batch, torch.Generator().manual_seed(0), 0)[0])
        for one in (data, other)
    ]
    assert losses[0] == losses[1]


def test_a_truncation_is_learned_as_no_end() -> None:
    episodes: list[Episode] = [(*one[:3], False) for one in ending(500, 0.0, 0)]
    data = windows(episodes, LENGTH)
    assert data.batch.targets[:, -1].all()  # the last frame is a target
    model = trained(data, 100)
    codes: NDArray[Any] = np.zeros((100, LENGTH, 2))
    state = follow(model, codes, np.zeros((100, LENGTH - 1, 1)))
    assert model.predict(state, torch.zeros(100, 1)).end_probability.max() < 1e-3


def met_later(count: int, seed: int, reached: bool) -> list[Episode]:
    """A latent that is drawn anew, a key that falls by 1 where it is positive.

    If the goal is `reached`, a latent above 1 pays 10, and the key falls by 3 there.
    """
    random = np.random.default_rng(seed)
    episodes = []
    for _ in range(count):
        latents = random.normal(size=LENGTH + 1)
        goal = reached & (latents[:-1] > 1)
        falls = np.where(goal, 3.0, latents[:-1] > 0)
        codes = np.stack([latents, -np.concatenate([[0], np.cumsum(falls)])], 1)
        episodes.append((codes, np.zeros((LENGTH, 1)), 10.0 * goal, False))
    return episodes


def test_what_is_first_met_in_a_later_round_can_be_dreamed_after_it() -> None:
    first = trained(windows(met_later(300, 0, False), LENGTH), 100, keys=1, objective=TEACHER)
    data = windows(met_later(300, 1, True), LENGTH)
    later = trained(data, 150, before=first, keys=1, objective=TEACHER)
    assert torch.equal(later.change_scale, first.change_scale)
    codes = np.zeros((3, 1, 2))
    codes[:, 0, 0] = -1, 0.5, 1.5
    state = follow(later, codes, np.zeros((3, 0, 1)))
    prediction = later.predict(state, torch.zeros(3, 1))
    assert prediction.reward.numpy() == pytest.approx([0, 0, 10], abs=1)
    assert prediction.change.mean()[:, 1].numpy() == pytest.approx([0, -1, -3], abs=0.3)


def test_going_on_keeps_all_weights_whose_units_still_do() -> None:
    """Of the same world more frames; of a world with a goal the heads alone that it concerns.

    The range of keys is that of the later frames.
    """
    first = trained(windows(met_later(100, 0, False), LENGTH), 5, keys=1, objective=TEACHER)
    for reached, anew in ((False, set()), (True, {"members.0.keys", "members.0.reward"})):
        data = windows(met_later(200, 1, reached), LENGTH)
        later = untrained(data, keys=1, objective=TEACHER)
        own = later.reward_scale.clone()
        later.go_on_from(first)
        changed = {
            name
            for name, value in later.state_dict().items()
            if not torch.equal(value.nan_to_num(), first.state_dict()[name].nan_to_num())
        }
        changed -= {"code_scale", "reward_scale", "end_rate", "members.0.key_range"}
        assert {name.rsplit(".", 1)[0].removesuffix(".layer") for name in changed} == anew
        assert torch.equal(later.reward_scale, own)


def bandit(count: int, seed: int) -> list[Episode]:
    """Each episode ends with its first decision, which pays the code times the action."""
    random = np.random.default_rng(seed)
    codes = random.choice([-1.0, 1.0], (count, 2, 2))
    actions = random.choice([-1.0, 1.0], (count, 1, 1))
    return [
        (code, action, code[0, :1] * action[0], True)
        for code, action in zip(codes, actions, strict=True)
    ]


def test_a_world_of_one_decision_is_learned() -> None:
    model = trained(windows(bandit(500, 0), 4), 200)
    fresh = bandit(50, 1)
    codes = np.stack([one[0][:1] for one in fresh])
    state = follow(model, codes, np.zeros((50, 0, 1)))
    prediction = model.predict(state, tensor(np.stack([one[1][0] for one in fresh])))
    rewards = np.concatenate([one[2] for one in fresh])
    assert prediction.reward.numpy() == pytest.approx(rewards, abs=0.2)
    assert prediction.end_probability.min() > 0.99
