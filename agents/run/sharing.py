"""Refuses a folder that is not as `compare.encoder_per_seed` says: whose encoder, whose frames."""

from __future__ import annotations

from pathlib import Path

from agents.config.experiment import Experiment, Scope
from agents.run.seed_folders import part_folders
from worldvae.errors import ArtifactError
from worldvae.rollouts.imported import DATASET


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


def within(experiment: Experiment, scope: Scope, env_id: str | None, seed: int) -> Experiment:
    """Return what `Experiment.within` does, for a command; raises ArtifactError as above."""
    if scope != "all":
        check_sharing(experiment.task(env_id))
    return experiment.within(scope, env_id, seed)


def check_datasets(experiment: Experiment) -> None:
    """Raise ArtifactError unless all seeds collect, or each has a dataset of its own.

    Seeds would differ in who played, not in chance, or have the same frames.
    """
    owners = dict[str, Path]()
    folders = [part.rollouts_folder for part in experiment.parts]
    imported = [folder for folder in folders if DATASET.exists(folder)]
    for folder in imported:
        name = DATASET.read(folder).id
        if name in owners:
            raise _no_dataset_of_its_own(folder, f"holds minari:{name}, as {owners[name]} does")
        owners[name] = folder
    missing = [folder for folder in folders if folder not in imported]
    if imported and missing:
        raise _no_dataset_of_its_own(missing[0], f"holds no dataset, and {imported[0]} does")


def _no_dataset_of_its_own(folder: Path, what: str) -> ArtifactError:
    return ArtifactError(
        f"{folder} {what}; with compare.encoder_per_seed each seed has frames of its own: import "
        "another dataset for each (scripts.collect CONFIG --seed K --from minari:ID), or none"
    )
