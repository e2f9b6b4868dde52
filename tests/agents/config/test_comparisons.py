"""Comparisons that are declared before a run."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agents.config.sections import CompareConfig


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([["latent", "latent"]], r"\[latent, latent\] names one arm; name two"),
        ([["latent", "pixels"], ["pixels", "latent"]], "names something twice: latent, pixels"),
        ([["latent", "magic"]], "expected one of pixels, latent"),
    ],
)
def test_a_declared_comparison_is_of_two_arms_and_named_once(
    pairs: list[list[str]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        CompareConfig.model_validate({"primary": pairs})


def test_a_comparison_is_declared_in_either_order() -> None:
    config = CompareConfig(primary=(("latent", "pixels"),))
    assert config.is_primary("pixels", "latent")
    assert not config.is_primary("pixels", "untrained")
