"""Rollouts and encoders, made once for all tests that train agents on them."""

import shutil
from pathlib import Path

import pytest

from agents.prepare import prepare
from tests.tiny import load


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `runs` of tests/tiny.yaml with rollouts, encoders and dynamics; not to be written to."""
    runs = tmp_path_factory.mktemp("runs")
    prepare(load(runs), ("latent", "untrained", "memory", "untrained_memory"))
    return runs


@pytest.fixture
def runs(prepared: Path, tmp_path: Path) -> Path:
    """A copy of them for one test."""
    shutil.copytree(prepared, tmp_path / "runs")
    return tmp_path / "runs"
