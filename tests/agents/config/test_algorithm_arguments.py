"""Whose error it is: the library's over its arguments, or a bug of ours."""

from __future__ import annotations

from typing import Any

import pytest
from stable_baselines3.common.callbacks import ConvertCallback
from stable_baselines3.common.utils import update_learning_rate

from agents.config.algorithm_arguments import library_errors
from agents.train import train
from tests.tiny import load
from worldvae.errors import WorldvaeError


def test_what_the_library_raises_is_a_line_with_its_place() -> None:
    told = r"^agent\.algorithm = 'PPO': AttributeError: .* \(stable_baselines3/common/utils\.py, li"
    with pytest.raises(WorldvaeError, match=told), library_errors("PPO"):
        update_learning_rate(None, 1.0)  # type: ignore[arg-type]


def test_what_our_own_code_raises_within_the_library_stays() -> None:
    def fail(*_: Any) -> bool:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"), library_errors("PPO"):
        ConvertCallback(fail)._on_step()
    with pytest.raises(ZeroDivisionError, match="a bug"), library_errors("PPO"):
        fail()


def test_a_training_that_ends_in_no_numbers_is_a_line(tmp_path: Any) -> None:
    experiment = load(tmp_path, **{"agent.learning_rate": 1e17, "agent.schedule": "constant"})
    with pytest.raises(
        WorldvaeError, match=r"ValueError: .*; see agent\.settings and agent\.learning"
    ):
        train(experiment, "pixels", 0)
