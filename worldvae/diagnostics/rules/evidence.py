"""The measurements of a health check, and its conclusions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from worldvae.autoencoders.config import NetworkConfig
from worldvae.autoencoders.objectives import Objective
from worldvae.autoencoders.pixel_error import PixelError
from worldvae.diagnostics.finding import Finding, in_lines
from worldvae.diagnostics.metrics.neighbours import Neighbours
from worldvae.diagnostics.metrics.reconstruction import Code, Overfitting, Reconstruction
from worldvae.diagnostics.metrics.state import DisentanglementScores, Probes
from worldvae.json_files import Content, JsonFile

Verdict = Literal["unfit", "doubtful", "healthy"]


class Evidence(Content):
    """All measurements that the rules use."""

    env_id: str
    pretrained_on: str | None = Field(
        None, description="The other frames that it was pretrained on; null: these."
    )
    trained: bool = Field(description="False: random weights.")
    objective: Objective = Field(description="What the code costs.")
    pixels: PixelError = Field(description="What a reconstruction costs.")
    network: NetworkConfig = Field(NetworkConfig(), description="Sizes of the layers.")
    frames: dict[str, int] = Field(description="Split -> examples in the store.")
    reconstruction: Reconstruction
    code: Code
    overfitting: Overfitting
    neighbours: Neighbours
    probes: Probes | None
    no_probes: str | None = Field(description="Why there are none.")
    disentanglement: DisentanglementScores | None
    no_disentanglement: str | None = Field(description="Why there is none.")


class Health(Evidence):
    """The content of health.json: measurements, conclusions, times, and how to repeat the check."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    seconds: dict[str, float] = Field(description="Part -> wall-clock time.")
    seed: int = Field(description="Of the check.")
    rollouts: str = Field(description="Folder of the store.")
    command: str | None = Field(None, description="What was typed, if the check was part of one.")

    def summary(self) -> str:
        """Return verdict, findings and advice as text, one line each."""
        return "\n".join([f"verdict: {self.verdict}", *in_lines(self.findings)])


HEALTH = JsonFile("health.json", Health, "delete it to examine the encoder again")
