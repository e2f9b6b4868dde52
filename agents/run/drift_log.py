"""Whether an agent's frames still resemble its encoder's: what is logged of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

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
