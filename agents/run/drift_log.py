"""Whether an agent's frames still resemble its encoder's: what is logged of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from agents.run.agent_result import LINE_REMEDY
from worldvae.diagnostics.drift import Drift
from worldvae.json_files import JsonLog


class DriftLine(Drift):
    """One line of `drift.jsonl`."""

    env_steps: int = Field(description="When it was measured.")
    refreshes: int = Field(description="How often the encoder had been refitted.")


DRIFT = JsonLog("drift.jsonl", DriftLine, LINE_REMEDY)


def read_lines(folder: Path) -> list[DriftLine]:
    """What was measured of the agent in `folder`, in order."""
    return DRIFT.read(folder)
