"""Warns where what a run holds was made with other code of its environment."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.config.experiment import Experiment
from agents.run.agent_files import agent_folders
from agents.run.agent_result import RESULT
from agents.run.stage_results import COLLECTION
from worldvae.envs.own_code import own_code

SHOWN = 3
"""How many of the folders that were made with other code a warning names."""


def warn_of_other_code(experiment: Experiment) -> None:
    """Warn, in one line, if rollouts or agents of `experiment` were made with other code.

    No setting tells that the environment's own code was changed, and what it pays now may not be
    comparable with what it paid then.
    """
    now = own_code(experiment.env)
    made = [
        folder.relative_to(experiment.folder).as_posix()
        for folder, versions in _made(experiment)
        if any(versions.get(name, digest) != digest for name, digest in now.items())
    ]
    if made:
        rest = len(made) - SHOWN
        few = ", ".join(made[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
        warnings.warn(
            f"{experiment.env.id}: the {' and the '.join(now)} was changed since {few} of "
            f"{experiment.folder} were made; if it now shows or pays anything else, they are of "
            "another task: choose another --name",
            stacklevel=1,  # shown once, from wherever this is called
        )


def _made(experiment: Experiment) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Yield the folders of finished rollouts and agents, each with the versions that it names."""
    rollouts = experiment.rollouts_folder
    if COLLECTION.is_whole(rollouts):
        yield rollouts, COLLECTION.read(rollouts).versions or {}
    for folder in agent_folders(experiment.folder):
        if RESULT.is_whole(folder):
            yield folder, RESULT.read(folder).versions
