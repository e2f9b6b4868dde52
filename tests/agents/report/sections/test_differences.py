"""What the report says to differ between the arms."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import get_args

import pytest

from agents.arms.registry import ARMS
from agents.config.agent import AlgorithmName
from agents.report.sections.differences import algorithm_of, differences
from agents.run.load import read_run
from tests.agents.report.synthetic import write_config, write_run


def test_every_arm_has_its_words_and_its_place() -> None:
    assert all(arm.observation and arm.first_layers for arm in ARMS.values())


@pytest.mark.parametrize("algorithm", get_args(AlgorithmName))
def test_the_algorithm_is_the_configurations(tmp_path: Path, algorithm: str) -> None:
    folder = write_run(tmp_path, {arm: {0: [1.0]} for arm in ARMS})
    write_config(folder, f"agent:\n  algorithm: {algorithm}\n")
    page = unescape(differences(read_run(folder)))
    assert f"all other settings of {algorithm} are the same" in page
    for arm in ARMS.values():
        assert arm.observation in page
        assert arm.first_layers in page


@pytest.mark.parametrize("config", ["", "agent:", "agent: {}", "a: </pre><script>$title"])
def test_a_configuration_that_does_not_say_it_is_no_fault(tmp_path: Path, config: str) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0]}})
    write_config(folder, config)
    assert algorithm_of(read_run(folder)) == "the algorithm"


@pytest.mark.parametrize(
    ("backend", "arms", "says"),
    [
        ("auto", ("pixels", "state", "blind"), True),
        ("envpool", ("latent", "blind"), True),
        ("gymnasium", ("pixels", "state"), False),
        ("auto", ("pixels", "latent"), False),
        ("auto", ("state", "blind"), False),
    ],
)
def test_arms_that_train_in_another_simulator_are_named(
    tmp_path: Path, backend: str, arms: tuple[str, ...], says: bool
) -> None:
    folder = write_run(tmp_path, {arm: {0: [1.0]} for arm in arms})
    write_config(folder, f"env:\n  backend: {backend}\n")
    page = unescape(differences(read_run(folder)))
    undrawn = ", ".join(arm for arm in arms if arm in {"state", "blind"})
    words = f"the agents of {undrawn} need no frame and train in Gymnasium's own simulator"
    assert (words in page) is says
    assert (f"in that of env.backend: {backend}" in page) is says


@pytest.mark.parametrize(
    ("pixels", "arms", "words"),
    [
        (4, ("pixels", "latent", "finetune"), "Pixels and finetune train on replayed images that"),
        (4, ("latent", "state"), None),
        (0, ("pixels", "latent"), None),
    ],
)
def test_arms_whose_images_are_shifted_are_named(
    tmp_path: Path, pixels: int, arms: tuple[str, ...], words: str | None
) -> None:
    folder = write_run(tmp_path, {arm: {0: [1.0]} for arm in arms})
    write_config(folder, f"agent:\n  algorithm: SAC\n  random_shift: {pixels}\n")
    page = unescape(differences(read_run(folder)))
    assert ("shifted at random" in page) is bool(words)
    if words:
        assert f"{words} are shifted at random by up to {pixels} pixels" in page
