"""What an agent that collects has cost is part of the price of its frames."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents.prepare import collect_rollouts
from agents.train import train
from tests.tiny import load
from worldvae.errors import WorldvaeError


def test_an_agent_whose_price_is_not_known_does_not_collect(runs: Path, tmp_path: Path) -> None:
    """As one that was copied, or of a study, whose run lies elsewhere: it would be free."""
    trained = train(load(runs), "latent", 0)
    copied = tmp_path / "copied" / "agents" / "latent" / "seed_0"
    shutil.copytree(trained, copied)
    shutil.copytree(load(runs).encoder_folder, copied.parents[2] / "encoder")
    collecting = {"rollouts.policies": {"agent": 1}, "rollouts.agent": str(copied)}
    again = load(runs, name="again", **collecting)
    lacking = rf"cannot be charged to its frames without rollouts/result\.json of {tmp_path}/copied"
    with pytest.raises(WorldvaeError, match=lacking):
        collect_rollouts(again)
    assert not list(again.rollouts_folder.glob("*.npz"))
