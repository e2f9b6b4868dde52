"""The schema of an agent's drift log."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from agents.run.agent_result import LINE_REMEDY
from worldvae.diagnostics.drift import Drift
from worldvae.json_files import JsonLog


class DriftLine(Drift):
    """One measurement of drift: a line of `drift.jsonl`."""

    env_steps: int = Field(description="Env steps of training at the measurement.")
    refreshes: int = Field(description="How often the encoder had been refitted.")

    @property
    def trained_steps(self) -> int:
        """The env steps of training; drift is not measured in dreams, which show no frames."""
        return self.env_steps


DRIFT = JsonLog("drift.jsonl", DriftLine, LINE_REMEDY)


def read_lines(folder: Path) -> list[DriftLine]:
    """Read the drift log of the agent in `folder`, in the order of training."""
    return DRIFT.read(folder)
