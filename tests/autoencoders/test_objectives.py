"""Which configs are objectives, and their schedules by hand."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from worldvae.autoencoders.objectives import SQRT_HALF, USED_BY, ObjectiveConfig, Variational
from worldvae.autoencoders.window import Window

NAMES = ("ae", "dae", *get_args(Variational))
# Any value of each field that is not its default.
OTHER: dict[str, Any] = {
    "beta": 4.0,
    "beta_schedule": "cyclic",
    "free_bits": 0.5,
    "capacity": 3.0,
    "capacity_steps": 7,
    "gamma": 2.0,
    "dip": 1.0,
}
IDLE = [(name, field) for field, users in USED_BY.items() for name in NAMES if name not in users]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_alone_is_a_valid_objective(name: str) -> None:
    config = ObjectiveConfig.model_validate({"name": name})
    assert config.noise == (0.1 if name == "dae" else 0)
    assert config.is_variational == (name not in ("ae", "dae"))
    assert ObjectiveConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("values", "sigma", "standardise"),
    [
        ({}, "learned", True),
        ({"standardise": False, "sigma": 0.5}, 0.5, False),
        ({"likelihood": "bernoulli"}, SQRT_HALF, False),
        ({"pixel_weight": 0, "perceptual": 1}, SQRT_HALF, True),
    ],
)
def test_pixels_have_units_and_a_fitted_sigma_where_they_can(
    values: dict[str, Any], sigma: float | str, standardise: bool
) -> None:
    config = ObjectiveConfig.model_validate(values)
    assert (config.sigma, config.standardise) == (sigma, standardise)
    assert ObjectiveConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", {0: 4, 5: 4, 10: 4, 99: 4, None: 4}),
        ("linear", {0: 0, 1: 0.4, 5: 2, 10: 4, 99: 4, None: 4}),
        ("cyclic", {0: 0, 1: 0.8, 4: 3.2, 5: 4, 9: 4, 10: 0, 12: 1.6, 17: 4, None: 4}),
    ],
)
def test_beta_by_hand(schedule: str, expected: dict[int | None, float]) -> None:
    steps = {} if schedule == "constant" else {"beta_steps": 10}
    config = ObjectiveConfig.model_validate({"beta": 4, "beta_schedule": schedule, **steps})
    assert {step: config.beta_at(step) for step in expected} == pytest.approx(expected)


def test_capacity_by_hand() -> None:
    config = ObjectiveConfig(name="capacity_vae", capacity=20, capacity_steps=8)
    expected = {0: 0, 1: 2.5, 4: 10, 8: 20, 99: 20, None: 20}
    assert {step: config.capacity_at(step) for step in expected} == expected


@pytest.mark.parametrize(
    ("values", "window"),
    [
        ({}, Window(2, 0, False)),
        ({"predict": 3}, Window(2, 3, False)),
        ({"motion_weight": 1}, Window(2, 0, True)),
    ],
)
def test_the_window_holds_what_the_loss_needs(values: dict[str, Any], window: Window) -> None:
    assert ObjectiveConfig.model_validate(values).window(stack=2) == window


def test_every_field_of_few_objectives_is_tried_here() -> None:
    assert OTHER.keys() == USED_BY.keys()


@pytest.mark.parametrize(("name", "field"), IDLE)
def test_a_field_of_other_objectives_is_an_error(name: str, field: str) -> None:
    with pytest.raises(
        ValidationError, match=f"{name} has no use for {field}: .*{USED_BY[field][-1]}"
    ):
        ObjectiveConfig.model_validate({"name": name, field: OTHER[field]})


@pytest.mark.parametrize("field", USED_BY)
def test_a_field_of_its_own_objectives_is_none(field: str) -> None:
    for name in USED_BY[field]:
        if (name, field) != ("vae", "beta"):
            values = {"name": name, field: OTHER[field]}
            assert getattr(ObjectiveConfig.model_validate(values), field) == OTHER[field]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "vae", "beta": 4}, "use objective: beta_vae"),
        ({"name": "dae", "noise": 0}, "dae needs noise or mask"),
        ({"name": "ae", "noise": 0.1}, "need objective: dae"),
        ({"beta_steps": 7}, "beta_steps needs beta_schedule: linear or cyclic"),
        ({"name": "ae", "beta_steps": 7}, "beta_steps needs beta_schedule: linear or cyclic"),
        ({"likelihood": "bernoulli", "sigma": "learned"}, "no sigma"),
        ({"likelihood": "bernoulli", "standardise": True}, "no unit"),
        ({"actions": True}, "they need predict above 0"),
        ({"pixel_weight": 0}, "pixel_weight or perceptual above 0"),
        ({"pixel_weight": 0, "perceptual": 1, "motion_weight": 1}, "need pixel_weight above 0"),
        ({"pixel_weight": 0, "perceptual": 1, "sigma": "learned"}, "need pixel_weight above 0"),
        ({"sigma": 0}, "a number above 0 or 'learned'"),
        ({"sigma": "large"}, "a number above 0 or 'learned'"),
        ({"beta": -1}, "greater than or equal to 0"),
    ],
)
def test_a_field_that_would_do_nothing_is_an_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ObjectiveConfig.model_validate(values)
