"""Keys that are one-hot, as a Discrete one is: of a dream's, too, exactly one number is 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.dynamics.known import Windows, untrained, windows
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.heads import Classes
from worldvae.dynamics.key_units import choices_of, standardised
from worldvae.dynamics.member import Change
from worldvae.dynamics.noise import Noise
from worldvae.rollouts.keys import NO_BOUNDS, KeyBounds

SHARES = 0.5, 0.3, 0.2
EPISODES, LENGTH, COURSES = 60, 20, 4_000
ACTIONS = torch.zeros(COURSES, 1)
SPEED = KeyUnits(name="speed", mean=(0.0,), std=(1.0,), bounds=NO_BOUNDS)


def of_chance() -> tuple[Windows, KeyUnits]:
    """Windows of a latent, a speed of 0, and a choice that is drawn anew in each decision."""
    drawn = np.random.default_rng(0).choice(3, (EPISODES, LENGTH + 1), p=SHARES)
    shown = np.eye(3)[drawn]
    mean, std = shown.mean((0, 1)), shown.std((0, 1))
    bounds = KeyBounds(low=("0.0",) * 3, high=("1.0",) * 3)
    key = KeyUnits(name="mode", mean=tuple(mean.tolist()), std=tuple(std.tolist()), bounds=bounds)
    still = np.zeros((LENGTH + 1, 2))
    codes = [
        np.concatenate([still, standardised({"mode": one}, [key], len(one))], 1) for one in shown
    ]
    nothing = np.zeros((LENGTH, 1)), np.zeros(LENGTH), False
    return windows([(code, *nothing) for code in codes], LENGTH), key


def shown(codes: torch.Tensor, key: KeyUnits) -> NDArray[np.float64]:
    """Return the choice in codes (..., 5) in its own units: (..., 3)."""
    return codes[..., 2:].detach().double().numpy() * np.array(key.std) + np.array(key.mean)


@pytest.mark.parametrize("members", [1, 2])
def test_one_number_of_a_choice_is_on_in_dreams(members: int) -> None:
    """Each number was drawn by itself: in half of all frames none was on, or two were."""
    data, key = of_chance()
    model, random = untrained(data, keys=4, members=members), torch.Generator().manual_seed(0)
    model.know([SPEED, key])
    state = model.initial(COURSES)
    state.code[:] = data.batch.mean[torch.arange(COURSES) % EPISODES, 0]
    courses = torch.arange(COURSES) % members
    for _ in range(5):
        state, step = model.imagine(state, ACTIONS, random, 0.0, courses)
        values = shown(step.code, key)
        np.testing.assert_allclose(np.sort(values), [[0.0, 0.0, 1.0]] * COURSES, atol=1e-5)
        assert (step.code[:, 1] == 0).all(), "the key before it"
    assert (values.mean(0) > 0.1).all(), "none of them is always on, or never"


def test_each_choice_is_drawn_as_often_as_its_number_is_said_to_be_on() -> None:
    """The changes that are told are exact: the choice that comes does not depend on the last."""
    data, key = of_chance()
    model = untrained(data, keys=4)
    model.know([SPEED, key])
    code = data.batch.mean[:, 0].repeat(200, 1)
    is_on = torch.from_numpy(shown(code, key)) > 0.5
    on = torch.tensor(SHARES).expand(is_on.shape)
    log_weights = torch.full((len(code), 4, 3), -torch.inf)
    log_weights[:, 0, 0] = 0  # of the speed, which stays
    log_weights[:, 1:, 0] = torch.where(is_on, on, 1 - on).log()
    log_weights[:, 1:, 1] = torch.where(is_on, 0.0, on).log()
    log_weights[:, 1:, 2] = torch.where(is_on, 1 - on, 0.0).log()
    step = 1 / torch.tensor([1.0, *key.std])
    keys = Classes(log_weights, torch.stack([0 * step, step, -step], -1))
    latents = Classes(torch.zeros(len(code), 1, 1), torch.zeros(1, 1))
    noise = Noise(torch.Generator().manual_seed(0))
    drawn = shown(model.members[0].drawn(code, Change(latents, keys), noise, 1.0), key)
    np.testing.assert_allclose(drawn.mean(0), SHARES, atol=0.015)


def test_dynamics_run_freely_on_choices_that_can_be() -> None:
    data, key = of_chance()
    model, noise = untrained(data, keys=4), Noise(torch.Generator().manual_seed(0))
    model.know([SPEED, key])
    start = model.initial(50)
    codes = model.members[0].run_freely(
        start.carried[0], data.batch.mean[:50, 0], torch.zeros(50, 8, 1), noise
    )[1]
    np.testing.assert_allclose(
        np.sort(shown(codes, key)).reshape(-1, 3), [[0, 0, 1]] * 400, atol=1e-5
    )


def test_choices_are_found_among_other_keys() -> None:
    key = of_chance()[1]
    assert choices_of([SPEED, key, SPEED, key]) == (slice(1, 4), slice(5, 8))
    assert choices_of([SPEED]) == ()
    # Of a choice that training never makes, or always, no number changes.
    for mean, std in (((0.5, 0.5, 0.0), (0.5, 0.5, 1.0)), ((0.0, 1.0, 0.0), (1.0, 1.0, 1.0))):
        assert choices_of([key.model_copy(update={"mean": mean, "std": std})]) == (slice(0, 3),)


@pytest.mark.parametrize(
    ("mean", "variance", "high"),
    [
        ((0.9995,), (0.0005,), "1.0"),
        ((0.5, 0.5), (0.01, 0.01), "1.0"),
        ((0.5, 0.5), (0.25, 0.25), "9.0"),
        ((0.5, 0.2), (0.25, 0.16), "1.0"),
    ],
    ids=["a flag nearly always on", "shares of a whole", "counts of at most 9", "two flags"],
)
def test_numbers_that_look_like_a_choice_in_all_but_one_way_are_none(
    mean: tuple[float, ...], variance: tuple[float, ...], high: str
) -> None:
    size = len(mean)
    bounds = KeyBounds(low=("0.0",) * size, high=(high,) * size)
    std = tuple(np.sqrt(variance).tolist())
    assert choices_of([KeyUnits(name="mode", mean=mean, std=std, bounds=bounds)]) == ()
