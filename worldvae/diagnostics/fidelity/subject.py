"""What the fidelity check examines: dynamics, an untrained twin, and windows of each split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from worldvae.diagnostics.fidelity.dreams import LatentDynamics
from worldvae.diagnostics.fidelity.metrics.pixels import PixelSource
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.diagnostics.finding import Finding
from worldvae.diagnostics.splits import Splits
from worldvae.dynamics.config import DynamicsObjective
from worldvae.envs import StateVariable
from worldvae.rollouts import RolloutStore


@dataclass(frozen=True)
class HeldOut:
    """Episodes that no model was trained on, those of an agent: all are for judging.

    Every other one chooses horizon and temperature, the rest are the test.
    """

    store: RolloutStore
    report: Path
    """The folder for the codes of their frames, and for all that the check writes."""


@dataclass(frozen=True)
class ExaminedDynamics:
    """Dynamics, and the windows by which they are judged."""

    env_id: str
    model: LatentDynamics
    untrained: LatentDynamics
    """The same network with initial weights."""
    is_trained: bool
    objective: DynamicsObjective
    latents: int
    """Z, the numbers of a code that are latents; they come first."""
    windows: Splits[Windows]
    variables: Sequence[StateVariable]
    """Of the true state; empty if none is recorded."""
    pixels: PixelSource | None
    no_pixels: str | None
    """Why frames cannot be compared."""
    doubts: tuple[Finding, ...] = ()
    """What the encoder's own check found, but for notes; empty if it was not checked."""
    ending_limit: int | None = None
    """Decisions at which a limit seems to terminate episodes."""
    usual: Windows | None = None
    """Held-out windows of the rollouts, where validation and test windows are an agent's."""
