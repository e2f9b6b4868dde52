"""Rollouts and encoders, made once for all tests that train agents on them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.prepare import prepare
from tests.commands import workers_forked
from tests.tiny import load


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The `runs` of tests/tiny.yaml with rollouts, encoders and dynamics; not to be written to."""
    runs = tmp_path_factory.mktemp("runs")
    prepare(load(runs), ("latent", "untrained", "memory", "untrained_memory"))
    made = _contents(runs)
    yield runs
    assert _contents(runs) == made, "a test wrote to what others read: let it take `runs`, a copy"


def _contents(folder: Path) -> dict[Path, int]:
    """When each file was written last; readers may lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path: path.stat().st_mtime_ns for path in files}


@pytest.fixture
def runs(prepared: Path, tmp_path: Path) -> Path:
    """A copy of them for one test."""
    shutil.copytree(prepared, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def forked() -> Iterator[None]:
    """Workers of pools need not import all again; see tests/forked.py."""
    with workers_forked():
        yield
