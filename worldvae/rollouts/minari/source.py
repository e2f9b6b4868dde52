"""A dataset in Minari's folder, of which one episode at a time is read."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from pydantic import ValidationError

from worldvae.errors import ArtifactError
from worldvae.rollouts.minari.library import dataset_folder, minari_errors
from worldvae.rollouts.minari.notes import NOTE, DatasetNote, EpisodeNote

DATASET_REMEDY = "download it or make it again"


@dataclass(frozen=True)
class MinariSource:
    """A dataset that can be read: its spaces, and what its metadata say of its environment."""

    name: str
    path: Path
    storage: Any
    """Minari's own `MinariStorage`."""
    spec: EnvSpec | None
    note: DatasetNote | None
    """What worldvae noted if it wrote the dataset; None if others made it."""
    episodes: int
    steps: int

    def __str__(self) -> str:
        return f"minari:{self.name}"

    @property
    def observation_space(self) -> spaces.Space[Any]:
        """The space of an observation of the dataset."""
        space: spaces.Space[Any] = self.storage.observation_space
        return space

    @property
    def action_space(self) -> spaces.Space[Any]:
        """The space of an action of the dataset."""
        space: spaces.Space[Any] = self.storage.action_space
        return space

    def metadata(self, index: int) -> dict[str, Any]:
        """Return the metadata of the episode at `index`, from 0."""
        with self._reading(index):
            (found,) = self.storage.get_episode_metadata([index])
            return dict(found)

    def episode(self, index: int) -> dict[str, Any]:
        """Return the arrays of the episode at `index`, which alone is read into memory."""
        with self._reading(index):
            (found,) = self.storage.get_episodes([index])
            return dict(found)

    def episode_note(self, index: int) -> EpisodeNote | None:
        """Return what worldvae noted of the episode at `index`; None if others made it."""
        text = self.metadata(index).get(NOTE)
        if text is None:
            return None
        try:
            return EpisodeNote.model_validate_json(text)
        except ValidationError:
            raise ArtifactError(
                f"{self}: episode {index}: a note that this version of worldvae cannot read"
            ) from None

    def _reading(self, index: int) -> AbstractContextManager[None]:
        return minari_errors(f"{self}: {self.path}: episode {index} cannot be read", DATASET_REMEDY)


def open_dataset(name: str) -> MinariSource:
    """Open the dataset with the id `name` in Minari's folder; nothing is downloaded.

    Raises ConfigError if Minari is not installed or the id is none, and ArtifactError if there is
    no such dataset or it is damaged.
    """
    folder = dataset_folder(name)
    path = folder / "data"
    if not path.is_dir():
        raise ArtifactError(
            f"minari:{name} is not in {str(folder).removesuffix(name)}: download it by "
            f"`minari download {name}`, or set MINARI_DATASETS_PATH to the folder that holds it"
        )
    with minari_errors(f"minari:{name}: {path} cannot be read", DATASET_REMEDY):
        import minari

        metadata = minari.dataset.minari_storage.MinariStorage.read_raw_metadata(path)
        # Without them Minari would make the environment, which is code of the dataset's choice.
        missing = {"observation_space", "action_space"} - metadata.keys()
        if missing:
            raise ArtifactError(f"minari:{name}: its metadata lack {', '.join(sorted(missing))}")
        dataset = minari.load_dataset(name)
        return MinariSource(
            name=name,
            path=path,
            storage=dataset.storage,
            spec=dataset.env_spec,
            note=_note(name, metadata.get(NOTE)),
            episodes=int(metadata["total_episodes"]),
            steps=int(metadata["total_steps"]),
        )


def _note(name: str, found: Any) -> DatasetNote | None:
    if found is None:
        return None
    try:
        return DatasetNote.model_validate(found)
    except ValidationError:
        raise ArtifactError(
            f"minari:{name}: a note that this version of worldvae cannot read; {DATASET_REMEDY}"
        ) from None
