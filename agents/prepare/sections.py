"""The sections of a configuration that decide what a stage makes, and the lock of a stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents.config.experiment import Experiment, check_settings, record_settings
from worldvae.locks import locked

COLLECTED_BY = ("seed", "env", "rollouts")
"""The sections that decide the rollouts."""

ENCODED_BY = (*COLLECTED_BY, "pretrain", "encoder")
"""The sections that decide an encoder made from them."""

LEARNED_BY = (*ENCODED_BY, "dynamics")
"""The sections that decide the dynamics of its latents."""

STAGE = ".stage.lock"
"""The lock of a stage from the check of its settings until it is done.

Whatever writes the files meanwhile holds the folder's own lock.
"""


@contextmanager
def making(
    experiment: Experiment, folder: Path, sections: Sequence[str], action: str
) -> Iterator[None]:
    """Hold the lock of the stage in `folder`, and note in `settings.yaml` what decides its result.

    Raises ArtifactError if the folder was made with other settings, or if another process is
    busy there with `action`.
    """
    with locked(folder, action, STAGE, alone=True):
        check_settings(folder, experiment, sections)
        record_settings(folder, experiment, sections)
        yield
