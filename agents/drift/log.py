"""Whether an agent's frames still resemble its encoder's: what is asked, and what is logged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from worldvae.config import Config
from worldvae.diagnostics.drift import Drift
from worldvae.errors import ArtifactError
from worldvae.files import read_jsonl

ENOUGH = 32
"""Fewest frames that are judged: a share of fewer says little."""

LOG = "drift.jsonl"


class DriftConfig(Config):
    """How frozen encoders are watched while agents train, and refitted if they are left behind."""

    every: int = Field(50_000, ge=0, description="Environment steps between measurements; 0: off.")
    frames: int = Field(
        256,
        ge=ENOUGH,
        le=1_000_000,
        description="Frames of the agent that each measurement looks at.",
    )
    warn_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Share of frames stranger than 99 % of the held-out ones to warn at.",
    )
    refresh: bool = Field(
        False,
        description="latent: in place of the warning, collect with the agent, refit its encoder "
        "on old and new frames, and go on (the iterative procedure of World Models).",
    )
    refreshes: int = Field(1, ge=1, description="Times that one agent may do so.")
    refresh_frames: int = Field(5_000, ge=100, description="Frames to collect each time.")
    refresh_steps: int = Field(1_000, ge=1, description="Optimiser steps of each refit at most.")


class DriftLine(Drift):
    """One line of `drift.jsonl`."""

    env_steps: int = Field(description="When it was measured.")
    refreshes: int = Field(description="How often the encoder had been refitted.")


def read_lines(folder: Path) -> list[DriftLine]:
    """What was measured of the agent in `folder`, in order."""
    path = folder / LOG
    try:
        return [DriftLine.model_validate(row) for row in read_jsonl(path)]
    except ValidationError:
        raise ArtifactError(f"{path}: a line is of another version of worldvae") from None


def calls_for_refresh(config: DriftConfig, lines: Sequence[DriftLine], refreshes: int) -> bool:
    """Whether the newest of `lines` asks to refit an encoder that was refitted so often."""
    if not config.refresh or refreshes >= config.refreshes or not lines:
        return False
    last = lines[-1]
    return last.refreshes == refreshes and last.strange > config.warn_share
