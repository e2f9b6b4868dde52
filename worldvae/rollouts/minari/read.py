"""Imports a dataset into a store of rollouts, one episode at a time."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs import StateVariable, state_variables
from worldvae.envs.config import EnvConfig
from worldvae.envs.state import STATE
from worldvae.errors import ArtifactError, ConfigError, WorldvaeError
from worldvae.progress import ProgressBar
from worldvae.rollouts.description import ENV
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.findings import Findings, say
from worldvae.rollouts.imported import DATASET, ImportedDataset
from worldvae.rollouts.manifest import number_of
from worldvae.rollouts.minari.notes import EpisodeNote, array_hashes
from worldvae.rollouts.minari.observations import ObservationReader, observation_reader
from worldvae.rollouts.minari.source import DATASET_REMEDY, MinariSource, open_dataset
from worldvae.rollouts.minari.task import check_actions, check_task, has_limit, source_shape
from worldvae.rollouts.store import RolloutStore


def import_dataset(name: str, folder: str | Path, env: EnvConfig) -> RolloutStore:
    """Return a store in `folder` with all episodes of the dataset that Minari calls `name`.

    The number of an episode, which decides its split, is its place in the dataset; in a dataset
    that `export_dataset` wrote it is the number that it had. If it was interrupted, the same call
    goes on; a whole import is not repeated. No more than one episode is in memory.

    Args:
        name: The id of a dataset in Minari's folder; nothing is downloaded.
        folder: The folder of the store; not made unless the first episode can be stored.
        env: The task of the dataset, which has to be what its metadata say, and how frames are
            prepared. It need not exist here, unless agents are to be trained in it.

    What the episodes show but cannot be meant is said as by `collect`, a warning each. Raises
    ArtifactError if the dataset is missing, damaged or of another task, holds no images, or changes
    its frames, and if `folder` holds other rollouts; ConfigError without Minari.
    """
    return checked_import(name, folder, env).into(folder)


def checked_import(name: str, folder: str | Path, env: EnvConfig) -> Import:
    """Return the import of the dataset that Minari calls `name`; nothing is written.

    Unless `folder` holds a whole import, the first episode is read. Args and errors are those of
    `import_dataset`, but for what its folder holds.
    """
    source = open_dataset(name)
    if not source.steps:
        raise ArtifactError(f"{source}: no episodes to import")
    check_task(source, env)
    reader = observation_reader(source, env)
    if reader.is_lossy(source):
        warnings.warn(
            f"{source}: its frames were stored as JPEG, and are not quite those of the environment",
            stacklevel=3,
        )
    actions = check_actions(source, env)
    dataset = ImportedDataset(
        id=name,
        episodes=source.episodes,
        steps=source.steps,
        whole=False,
        actions=actions,
        source_shape=source_shape(source, env, reader.shape),
    )
    found = Import(source, env, dataset, reader, actions.space)
    if not _is_whole(Path(folder)):
        found.read_first()
    return found


@dataclass
class Import:
    """A dataset, and what turns its episodes into those of a store."""

    source: MinariSource
    env: EnvConfig
    dataset: ImportedDataset
    reader: ObservationReader
    actions: spaces.Box | spaces.Discrete
    columns: tuple[StateVariable, ...] = ()
    """The columns of the true state, known once the first episode was read."""

    def __post_init__(self) -> None:
        self.watch = self.reader.watch()
        self._ahead: dict[int, tuple[Episode, float]] = {}

    def into(self, folder: str | Path) -> RolloutStore:
        """Return a store in `folder` with all episodes of the dataset, as `import_dataset` does."""
        folder = Path(folder)
        store = _claimed(folder, self.env, self.dataset)
        if not (store.dataset and store.dataset.whole):
            if not self._ahead:  # the folder was whole, and is gone
                self.read_first()
            with store.writing():
                _fill(store, self)
            DATASET.write(folder, self.dataset.model_copy(update={"whole": True}))
        return store

    def read_first(self) -> None:
        """Read the first episode that has decisions; `read` then does not read it again.

        Raises ArtifactError if it cannot be one of a store.
        """
        source = self.source
        index = next((i for i in range(source.episodes) if not _is_empty(source, i)), 0)
        began, note, found = time.perf_counter(), source.episode_note(index), source.episode(index)
        self.columns = _columns(source, self.env, found)
        self._ahead = {index: self._taken(index, note, found, began)}

    def read(self, index: int, note: EpisodeNote | None) -> tuple[Episode, float]:
        """Return the episode at `index`, and the seconds that its collection took.

        Raises ArtifactError if it cannot be one of a store.
        """
        if index in self._ahead:
            return self._ahead.pop(index)
        began = time.perf_counter()
        return self._taken(index, note, self.source.episode(index), began)

    def look(self, index: int) -> None:
        """Let the watch see the episode at `index`, which the store has, if it needs to."""
        if self._ahead.pop(index, None) is None and not self.watch.has_seen_enough:
            self.reader.show(self.source.episode(index)["observations"], self.watch)

    def _taken(
        self, index: int, note: EpisodeNote | None, found: dict[str, Any], began: float
    ) -> tuple[Episode, float]:
        try:
            episode = self._episode(found, note)
        except (ValueError, KeyError, WorldvaeError) as error:
            raise ArtifactError(f"{self.source}: episode {index}: {error}") from None
        if note is not None and array_hashes(episode) != note.sha256:
            raise ArtifactError(f"{self.source}: episode {index} is damaged; {DATASET_REMEDY}")
        self.reader.show(found["observations"], self.watch)
        return episode, time.perf_counter() - began if note is None else note.seconds

    def _episode(self, found: dict[str, Any], note: EpisodeNote | None) -> Episode:
        terminated, truncated = (
            np.asarray(found[name], bool) for name in ("terminations", "truncations")
        )
        is_open = not (terminated | truncated)[-1:].any()
        if is_open:  # the collector stopped there
            truncated = truncated | (np.arange(len(truncated)) == len(truncated) - 1)
        reward = np.asarray(found["rewards"], np.float64)
        if not np.isfinite(reward).all():
            raise ConfigError("a reward is not a finite number")
        return Episode(
            obs=self.reader.frames(found["observations"]),
            action=_checked(np.asarray(found["actions"]), self.actions),
            reward=reward,
            terminated=terminated,
            truncated=truncated,
            seed=0 if note is None else note.seed,
            policy=str(self.source) if note is None else note.policy,
            state=self._state(found),
            cut=is_open if note is None else note.cut,
            keys=self.reader.numbers(found["observations"]),
        )

    def _state(self, found: dict[str, Any]) -> NDArray[np.float64] | None:
        state = (found["infos"] or {}).get(STATE)
        return np.asarray(state, np.float64) if self.columns and state is not None else None


def _is_whole(folder: Path) -> bool:
    """Return whether all episodes of a dataset are in `folder`."""
    return DATASET.exists(folder) and DATASET.read(folder).whole


def _claimed(folder: Path, env: EnvConfig, dataset: ImportedDataset) -> RolloutStore:
    """Open the store in `folder` for the episodes of `dataset`, or make it."""
    if not DATASET.exists(folder):
        if ENV.exists(folder):
            raise ArtifactError(
                f"{folder} holds rollouts that were collected; choose another --name for those of "
                f"minari:{dataset.id}"
            )
        DATASET.write(folder, dataset)
    elif not (before := DATASET.read(folder)).is_of(dataset):
        changed = "as it was before" if before.id == dataset.id else "which is another dataset"
        raise ArtifactError(
            f"{folder} holds rollouts of minari:{before.id}, {changed}; choose another --name, or "
            "remove that folder"
        )
    return RolloutStore.create(folder, env)


def _fill(store: RolloutStore, work: Import) -> None:
    """Add the episodes that `store` lacks, and say what in any of them cannot be meant."""
    source = work.source
    store.describe_state(work.columns)
    store.describe_keys(work.reader.keys)
    findings = Findings(store, work.reader.keys, has_limit(source, work.env))
    stored = {number_of(record.name) for record in store.records}
    with ProgressBar("import", source.episodes, "episodes") as bar:
        for index in range(source.episodes):
            note = source.episode_note(index)
            number = index if note is None else note.number
            if _is_empty(source, index):
                _warn_of_empty(source, index)
            elif number in stored:
                work.look(index)
            else:
                episode, seconds = work.read(index, note)
                findings.include(episode)
                store.append(episode, seconds, number)
            bar.reach(index + 1)
    say(store, findings.after(work.watch.noticed))


def _is_empty(source: MinariSource, index: int) -> bool:
    """Return whether an episode has no decision."""
    return bool(source.metadata(index).get("total_steps") == 0)


def _warn_of_empty(source: MinariSource, index: int) -> None:
    warnings.warn(f"{source}: episode {index} has no decisions, it is left out", stacklevel=4)


def _columns(
    source: MinariSource, env: EnvConfig, found: dict[str, Any]
) -> tuple[StateVariable, ...]:
    """Return the columns of the true state in the episode `found`; none if nobody can name them."""
    if source.note is not None:
        return source.note.state
    state = (found["infos"] or {}).get(STATE)
    if state is None:
        return ()
    try:
        columns = state_variables(env)
    except ConfigError:
        columns = ()
    if np.shape(state)[1:] == (len(columns),):
        return columns
    warnings.warn(
        f"{source}: infos/{STATE} is left out: {np.shape(state)[1:]} numbers a frame, for which no "
        f"state reader of {env.id} has names",
        stacklevel=3,
    )
    return ()


def _checked(actions: NDArray[Any], space: spaces.Box | spaces.Discrete) -> NDArray[Any]:
    """Return actions (T, ...) of `space`; ConfigError if one is none of it."""
    if actions.shape[1:] != space.shape:
        raise ConfigError(f"its actions are {actions.shape[1:]}, those of {space} {space.shape}")
    if isinstance(space, spaces.Discrete):
        outside = (actions < space.start) | (actions >= space.start + space.n)
    else:
        outside = ~np.isfinite(actions)
    if outside.any():
        raise ConfigError(f"the action {actions[outside][0]} is none of {space}")
    return actions
