"""One page and one browser for all tests of the explorer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.config.experiment import Experiment
from agents.explore.command import write_explorer
from tests.tiny import load


@pytest.fixture(scope="session")
def explored(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A run of its own, whose page is written."""
    runs = tmp_path_factory.mktemp("explored") / "runs"
    shutil.copytree(prepared, runs)
    experiment = load(runs)
    write_explorer(experiment, experiment.folder / "explorer.html")
    return experiment


@pytest.fixture(scope="session")
def page(explored: Experiment) -> Iterator[object]:
    """The page, open in a browser without a network, at the end of its start."""
    from tests.browser import CHROMIUM, DRIVER, MISSING, browsing

    if not (CHROMIUM and DRIVER):
        pytest.skip(MISSING)
    with browsing() as browser:
        browser.open(explored.folder / "explorer.html")
        browser.wait("await worldvae.ready")
        yield browser
