"""Dynamics of an environment that truncates in its own step."""

from __future__ import annotations

import shutil
from pathlib import Path

from worldvae.dynamics.checkpoint import load_dynamics, save_dynamics


def with_limit(dynamics: Path, limit: int, folder: Path) -> Path:
    """Copy dynamics to `folder`, as if their rollouts had shown a limit of decisions."""
    shutil.copytree(dynamics, folder)
    model, card = load_dynamics(folder)
    save_dynamics(folder, model, card.model_copy(update={"limit": limit}))
    return folder
