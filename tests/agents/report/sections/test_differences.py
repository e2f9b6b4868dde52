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


@pytest.mark.parametrize("config", ["", "[", "agent: 3", "agent: {}", "a: </pre><script>$title"])
def test_a_configuration_that_does_not_say_it_is_no_fault(config: str) -> None:
    assert algorithm_of(config) == "the algorithm"
