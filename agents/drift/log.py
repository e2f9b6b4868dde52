"""Whether an agent's frames still resemble its encoder's: what is logged of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from agents.config.sections import DriftConfig
from worldvae.diagnostics.drift import Drift
from worldvae.errors import ArtifactError
from worldvae.files import read_jsonl

LOG = "drift.jsonl"


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
