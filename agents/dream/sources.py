"""The encoder and the rollouts that dynamics were made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents.config.experiment import Experiment


@dataclass(frozen=True)
class DreamSources:
    """The folders of what dynamics were made from."""

    encoder: Path
    rollouts: Path

    @classmethod
    def of(cls, dynamics: Path, experiment: Experiment) -> DreamSources:
        """Return what the dynamics of a run, or of a round of one of its agents, were made from.

        A round keeps encoder and rollouts beside its dynamics, unless they are the run's.
        """
        encoder, rollouts = dynamics.parent / "encoder", dynamics.parent / "rollouts"
        return cls(
            encoder if encoder.is_dir() else experiment.encoder_folder,
            rollouts if rollouts.is_dir() else experiment.rollouts_folder,
        )
