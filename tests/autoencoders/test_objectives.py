"""Which configs are objectives, and their schedules by hand."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.objectives import BetaVAE, CapacityVAE, Objective
from worldvae.autoencoders.pixel_error import SQRT_HALF, NoPixels, PixelError
from worldvae.autoencoders.window import Window
from worldvae.fields import variants_of

OBJECTIVE: TypeAdapter[Objective] = TypeAdapter(Objective)
PIXELS: TypeAdapter[PixelError] = TypeAdapter(PixelError)
KINDS = variants_of(AutoencoderConfig.model_fields["objective"])


def test_each_name_alone_is_an_objective() -> None:
    assert list(KINDS) == ["ae", "dae", "vae", "beta_vae", "capacity_vae", "beta_tcvae", "dip_vae"]
    for name in KINDS:
        config = OBJECTIVE.validate_python(name)
        assert config == OBJECTIVE.validate_python({"name": name})
        assert config.noise == (0.1 if name == "dae" else 0)
        assert config.is_variational == (name not in ("ae", "dae"))
        assert OBJECTIVE.validate_json(config.model_dump_json()) == config


def test_what_names_nothing_is_a_beta_vae_of_gaussian_pixels() -> None:
    assert OBJECTIVE.validate_python({"beta": 4}) == BetaVAE(beta=4)
    assert PIXELS.validate_python({"sigma": 0.5}).likelihood == "gaussian"


def test_an_objective_has_the_fields_that_it_uses_and_no_other() -> None:
    schedule = {"beta_schedule", "beta_steps"}
    own = {name: set(kind.model_fields) - {"name", "noise", "mask"} for name, kind in KINDS.items()}
    assert own == {
        "ae": set(),
        "dae": set(),
        "vae": {"free_bits", *schedule},
        "beta_vae": {"beta", "free_bits", *schedule},
        "capacity_vae": {"capacity", "capacity_steps", "gamma"},
        "beta_tcvae": {"beta", *schedule},
        "dip_vae": {"beta", "free_bits", "dip", *schedule},
    }


@pytest.mark.parametrize(
    ("values", "sigma", "standardise"),
    [
        ({}, "learned", True),
        ({"standardise": False, "sigma": 0.5}, 0.5, False),
        ("bernoulli", None, False),
        ("none", SQRT_HALF, True),
    ],
)
def test_pixels_have_units_and_a_fitted_sigma_where_they_can(
    values: Any, sigma: float | str | None, standardise: bool
) -> None:
    config = PIXELS.validate_python(values)
    assert (config.sigma, config.standardise) == (sigma, standardise)
    assert PIXELS.validate_json(config.model_dump_json()) == config


def test_pixels_that_do_not_count_are_judged_by_features() -> None:
    assert (NoPixels().weight, NoPixels().perceptual) == (0, 1)


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
    config = BetaVAE.model_validate({"beta": 4, "beta_schedule": schedule, **steps})
    assert {step: config.beta_at(step) for step in expected} == pytest.approx(expected)


def test_capacity_by_hand() -> None:
    config = CapacityVAE(capacity=20, capacity_steps=8)
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
    assert PIXELS.validate_python(values).window(stack=2) == window


def test_a_mask_alone_is_damage_enough() -> None:
    assert OBJECTIVE.validate_python({"name": "dae", "mask": 0.2}).noise == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "vae", "beta": 4}, "Extra inputs are not permitted"),
        ({"name": "dae", "noise": 0}, "dae needs noise or mask"),
        ({"name": "ae", "noise": 0.1}, "Extra inputs are not permitted"),
        ({"beta_steps": 7}, "beta_steps needs beta_schedule: linear or cyclic"),
        ({"beta": -1}, "greater than or equal to 0"),
        ({"name": "vea"}, "does not match any of the expected tags"),
    ],
)
def test_an_objective_that_cannot_be_is_an_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OBJECTIVE.validate_python(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"likelihood": "bernoulli", "sigma": "learned"}, "Extra inputs are not permitted"),
        ({"likelihood": "bernoulli", "standardise": True}, "Extra inputs are not permitted"),
        ({"likelihood": "none", "motion_weight": 1}, "Extra inputs are not permitted"),
        ({"likelihood": "none", "perceptual": 0}, "greater than 0"),
        ({"weight": 0}, "greater than 0"),
        ({"actions": True}, "they need predict above 0"),
        ({"sigma": 0}, "a number above 0 or 'learned'"),
        ({"sigma": "large"}, "a number above 0 or 'learned'"),
    ],
)
def test_pixels_that_cannot_be_are_an_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PIXELS.validate_python(values)
