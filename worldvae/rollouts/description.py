"""What holds for all episodes of a store: their environment, and the columns of their arrays."""

from __future__ import annotations

from pathlib import Path

from worldvae.envs import recorded_action_space, source_shape
from worldvae.envs.actions import ActionSpace, check_space
from worldvae.envs.config import EnvConfig
from worldvae.envs.state import StateVariable, first_difference
from worldvae.errors import ArtifactError
from worldvae.folders import check_folder
from worldvae.json_files import Content, JsonFile
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.imported import DATASET, ImportedDataset
from worldvae.rollouts.keys import RecordedKey, RecordedKeys

ROLLOUTS_REMEDY = "restore it, or collect into another folder"


class StateColumns(Content):
    """The content of state.json: what each column of the recorded state is."""

    variables: tuple[StateVariable, ...]


ENV = JsonFile("env.json", EnvConfig, ROLLOUTS_REMEDY)
STATE_COLUMNS = JsonFile("state.json", StateColumns, ROLLOUTS_REMEDY)
KEYS = JsonFile("keys.json", RecordedKeys, ROLLOUTS_REMEDY)


class StoreDescription:
    """The small files of a store, which describe all of its episodes.

    Raises ArtifactError if `folder` holds no env.json or a damaged one.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder = Path(folder)
        check_folder(folder, "rollouts")
        self.env = ENV.read(folder)
        self._recorded_keys: tuple[RecordedKey, ...] = ()

    def check_task(self, env: EnvConfig) -> None:
        """Raise ArtifactError if the frames are of another environment than `env`."""
        if difference := self.env.other_task(env):
            raise ArtifactError(
                f"{self.folder} holds frames of another environment than this config's: "
                f"{difference}; remove the folder or choose another name"
            )

    @property
    def state_variables(self) -> tuple[StateVariable, ...]:
        """The variables in the columns of `arrays(record)["state"]`; empty if none was recorded.

        An episode that was played on a backend without a state has no such array even if this is
        not empty.
        """
        return (
            STATE_COLUMNS.read(self.folder).variables if STATE_COLUMNS.exists(self.folder) else ()
        )

    @property
    def recorded_keys(self) -> tuple[RecordedKey, ...]:
        """The keys of a Dict observation that each episode holds beside its frames."""
        # Read once: each episode asks for them, and what is described once does not change.
        if not self._recorded_keys and KEYS.exists(self.folder):
            self._recorded_keys = KEYS.read(self.folder).keys
        return self._recorded_keys

    @property
    def dataset(self) -> ImportedDataset | None:
        """The dataset that the episodes were imported from; None if they were collected."""
        return DATASET.read(self.folder) if DATASET.exists(self.folder) else None

    @property
    def action_space(self) -> ActionSpace:
        """The environment's own action space, in which episodes record actions.

        Raises ConfigError if it is that of an environment that cannot be made.
        """
        dataset = self.dataset
        space = recorded_action_space(self.env) if dataset is None else dataset.actions.space
        return check_space(space)

    @property
    def source_shape(self) -> tuple[int, ...]:
        """The shape of the environment's own frame, before any preprocessing."""
        dataset = self.dataset
        return source_shape(self.env) if dataset is None else dataset.source_shape

    def describe_state(self, variables: tuple[StateVariable, ...]) -> None:
        """Write what the columns of `state` mean, before the first state is stored.

        Raises ArtifactError if the store already describes other columns.
        """
        path, described = self.folder / STATE_COLUMNS.name, self.state_variables
        if variables and not described:
            STATE_COLUMNS.write(self.folder, StateColumns(variables=variables))
        elif difference := first_difference(described, variables):
            raise ArtifactError(
                f"{path}: the state reader of {self.env.id} has changed since: {difference}; "
                "put it back, or collect into another folder"
            )

    def _check_imported(self, episodes: int) -> None:
        """Raise ArtifactError if the import that has brought `episodes` so far has not ended."""
        dataset = self.dataset
        if dataset is not None and not dataset.whole:
            raise ArtifactError(
                f"{self.folder}: {episodes} of the {dataset.episodes} episodes of "
                f"minari:{dataset.id}; python -m scripts.collect CONFIG --from minari:{dataset.id} "
                "goes on"
            )

    def _describe_keys(self, keys: tuple[RecordedKey, ...], is_empty: bool) -> None:
        described = self.recorded_keys
        if [str(key) for key in keys] == [str(key) for key in described]:
            return
        if described or not is_empty:
            raise ArtifactError(
                f"{self.folder}: its episodes hold the keys {_listed(described)} beside the frame, "
                f"{self.env.id} now observes {_listed(keys)}; put it back, or collect into another "
                "folder"
            )
        KEYS.write(self.folder, RecordedKeys(keys=keys))

    def _check_described(self, episode: Episode) -> None:
        """Raise ValueError if `episode` has other frames, state or keys than are described.

        Frames are read from their files by their size alone, so others would be cut anew.
        """
        if episode.obs.shape[1:] != self.env.frame.shape:
            raise ValueError(
                f"frames {episode.obs.shape[1:]} are not those of env.frame, {self.env.frame.shape}"
            )
        columns = len(self.state_variables)
        if episode.state is not None and episode.state.shape[1:] != (columns,):
            raise ValueError(
                f"state {episode.state.shape} has not the {columns} columns of describe_state"
            )
        held = [(name, values.shape[1]) for name, values in episode.keys.items()]
        if held != [(key.name, key.size) for key in self.recorded_keys]:
            raise ValueError(f"keys {held} are not those of describe_keys")


def _listed(keys: tuple[RecordedKey, ...]) -> str:
    return ", ".join(map(str, keys)) or "none"
