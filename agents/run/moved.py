"""A run that lies elsewhere than its configuration says."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path

from agents.config.experiment import Experiment
from worldvae.folders import kind_of


def warn_if_moved(config: Path, experiment: Experiment) -> None:
    """Warn if the file `config` lies in the folder of a run, and names another folder as its run.

    It names the one that it was written to, where all that was moved would be made again.
    """
    here = config.resolve().parent
    if experiment.folder.resolve() != here and kind_of(here) == "run":
        warnings.warn(
            f"{config}: names {experiment.folder} as its run, so that one is used and this is left "
            f"alone; for the run here add --runs {shlex.quote(str(here.parent))} --name "
            f"{shlex.quote(here.name)}",
            stacklevel=2,
        )
