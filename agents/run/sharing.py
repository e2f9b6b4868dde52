"""Refuses a folder whose agents share one encoder where each seed has its own, and the reverse."""

from __future__ import annotations

from agents.config.experiment import Experiment
from agents.run.agent_files import part_folders
from worldvae.errors import ArtifactError


def check_sharing(experiment: Experiment) -> None:
    """Raise ArtifactError if the folder holds a run with the other `compare.encoder_per_seed`.

    `experiment` is the whole one, in one environment. A report would put agents of both together.
    """
    per_seed = experiment.compare.encoder_per_seed
    others = [experiment.folder / "agents"] if per_seed else part_folders(experiment.folder)
    if found := next((path for path in others if path.exists()), None):
        whose = "agents that share an encoder" if per_seed else "a seed with an encoder of its own"
        raise ArtifactError(
            f"{found} holds {whose}, and compare.encoder_per_seed is {str(per_seed).lower()}; "
            "choose another --name, or remove it"
        )
