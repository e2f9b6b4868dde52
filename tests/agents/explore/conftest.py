"""One page and one browser for all tests of the explorer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from agents.config.experiment import Experiment
from agents.explore.command import write_explorer
from tests.agents.export.folders import make_agent
from tests.tiny import load
from worldvae.dynamics.checkpoint import load_dynamics, save_dynamics
from worldvae.dynamics.model import Dynamics

PLAYERS = ("pixels", "latent", "untrained", "memory", "untrained_memory", "blind")
"""Arms of agents that see the dream in every way, and one that cannot see it."""


@pytest.fixture(scope="session")
def explored(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A run of its own, whose page is written; two members, whose weights predict something."""
    runs = tmp_path_factory.mktemp("explored") / "runs"
    shutil.copytree(prepared, runs)
    experiment = load(runs)
    _enliven(experiment.dynamics_folder)
    for number, arm in enumerate(PLAYERS):
        make_agent(experiment, arm, number)
    write_explorer(experiment, experiment.folder / "explorer.html")
    return experiment


def _enliven(folder: Path) -> None:
    """Replace dynamics that hardly learned by an ensemble of random weights."""
    trained, card = load_dynamics(folder)
    network = trained.config.network.model_copy(update={"members": 2})
    model = Dynamics(trained.config.model_copy(update={"network": network}), seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    save_dynamics(folder, model, card)


@pytest.fixture(scope="session")
def page(explored: Experiment) -> Iterator[object]:
    """The page, open in a browser without a network, at the end of its start."""
    from tests.browser import CHROMIUM, DRIVER, MISSING, browsing

    if not (CHROMIUM and DRIVER):
        pytest.skip(MISSING)
    with browsing() as browser:
        browser.open(explored.folder / "explorer.html")
        browser.wait("await worldvae.ready")
        assert not browser.console()
        yield browser
        assert all(url.startswith(("file:", "blob:", "data:")) for url in browser.requests())
