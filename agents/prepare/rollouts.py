"""Collects the rollouts of an experiment, and records what they cost."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from agents.config.experiment import SETTINGS, Experiment, check_settings, record_settings
from agents.policy.agent import Agent
from agents.policy.resources import PeakMemory, used_cpu
from agents.prepare.sections import COLLECTED_BY, STAGE
from agents.run.agent_card import read_card
from agents.run.code import warn_of_other_code
from agents.run.collection import is_collected, lost_since, read_collection_result
from agents.run.command import exact_command
from agents.run.load import read_run
from agents.run.stage_results import COLLECTION, CollectionResult, Cost, if_known
from agents.run.stages import shared_stages
from worldvae.envs import EnvConfig, make_env
from worldvae.envs.own_code import own_code
from worldvae.errors import ArtifactError
from worldvae.locks import locked
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.rollouts.description import ENV, KEYS, STATE_COLUMNS
from worldvae.rollouts.imported import DATASET
from worldvae.rollouts.manifest import next_number, read_manifest
from worldvae.rollouts.minari import checked_import
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch
from worldvae.versions import library_versions
from worldvae.wrappers.sb3 import check_keys

MORE = 1.1
"""How many times the frames that were asked for a store may hold without a word."""


def collect_rollouts(experiment: Experiment) -> RolloutStore:
    """Collect the missing part of the experiment's rollouts; return all of them.

    Rollouts that were imported from a dataset are only opened. Raises ArtifactError if their import
    has not ended.
    """
    if DATASET.exists(experiment.rollouts_folder):
        return _imported(experiment)
    env = make_env(experiment.env)  # a mistake is told before a folder is made for it
    env.close()
    check_keys(env.observation_space)
    warn_of_other_code(experiment)
    folder, policy = experiment.rollouts_folder, _without_amounts(experiment)
    check_settings(folder, policy, COLLECTED_BY)
    store = _complete(folder, experiment.env, experiment.rollouts.frames)
    if store is not None:
        _warn_of_more(store, experiment.rollouts.frames)
        return store
    _check_unused(experiment)
    with locked(folder, "collection", STAGE, alone=True):
        check_settings(folder, policy, COLLECTED_BY)
        with _undone_if_empty(folder):
            store = RolloutStore.create(folder, experiment.env)
            record_settings(folder, policy, COLLECTED_BY)
            _collect(store, experiment.rollouts, experiment.seed)
    return store


@contextmanager
def _undone_if_empty(folder: Path) -> Iterator[None]:
    """Take back what describes the episodes in `folder` if collecting ends before there is one.

    Else whoever mends the configuration of an environment that breaks would be told that frames
    were collected with the one before.
    """
    try:
        yield
    except BaseException:
        if not next_number(folder, read_manifest(folder)):
            for name in (SETTINGS, STATE_COLUMNS.name, KEYS.name, ENV.name):
                with suppress(OSError):  # what failed is told, not this
                    (folder / name).unlink(missing_ok=True)
        raise


def import_rollouts(experiment: Experiment, dataset: str) -> RolloutStore:
    """Import the dataset that Minari calls `dataset` as the experiment's rollouts; return them.

    Its steps are charged as if they had been collected here. An import that was killed goes on.
    """
    folder, policy = experiment.rollouts_folder, _without_amounts(experiment)
    check_settings(folder, policy, COLLECTED_BY)
    start = used_cpu()
    # A mistake is told before a folder is made.
    found = checked_import(dataset, folder, experiment.env)
    with locked(folder, "collection", STAGE, alone=True):
        was_begun = DATASET.exists(folder)
        with PeakMemory() as memory:
            store = found.into(folder)
        record_settings(folder, policy, COLLECTED_BY)
        if not is_collected(store, frames=0):
            cpu = None if was_begun else used_cpu() - start  # that of a killed call is unknown
            _record_cost(store, Cost(), cpu, memory.bytes, code={})
    return store


def _imported(experiment: Experiment) -> RolloutStore:
    """Return the rollouts of a dataset; ArtifactError if not all of it is there."""
    folder, policy = experiment.rollouts_folder, _without_amounts(experiment)
    check_settings(folder, policy, COLLECTED_BY)
    name = DATASET.read(folder).id
    if ENV.exists(folder) and is_collected(store := RolloutStore.create(folder, experiment.env), 0):
        return store
    raise ArtifactError(
        f"{folder}: the import of minari:{name} has not ended; python -m scripts.collect CONFIG "
        f"--from minari:{name} goes on"
    )


def _check_unused(experiment: Experiment) -> None:
    """Raise ArtifactError if models were made of fewer frames than `experiment` asks for.

    They would be charged what they never saw.
    """
    for folder in (
        experiment.encoder_folder,
        experiment.untrained_encoder_folder,
        experiment.dynamics_folder,
        experiment.untrained_dynamics_folder,
    ):
        check_settings(folder, experiment, COLLECTED_BY)


def _warn_of_more(store: RolloutStore, frames: int) -> None:
    """Say that there are more frames than were asked for, by more than the last step may bring."""
    if store.num_frames > MORE * frames:
        warnings.warn(
            f"{store.folder} holds {store.num_frames:,} frames, more than rollouts.frames = "
            f"{frames:,}: whatever is made of them uses all of them and is charged for all; for "
            "fewer choose another --name",
            stacklevel=3,
        )


def _complete(folder: Path, env: EnvConfig, frames: int) -> RolloutStore | None:
    """Return the rollouts in `folder` if they have at least `frames` frames, else None."""
    if not COLLECTION.is_whole(folder):
        return None
    store = RolloutStore.create(folder, env)
    return store if is_collected(store, frames) else None


def _collect(store: RolloutStore, config: RolloutConfig, seed: int) -> None:
    """Add the missing frames to `store`, and record the cost of all frames."""
    agent, before, peak = None, Cost(), 0
    spent: float | None = 0.0
    if config.agent is not None:
        path = Path(config.agent)
        agent = Agent.load(path, store.env, deterministic=False)
        before, spent = _cost_of_agent(path)
    with store.writing():  # lists what a kill has left
        earlier = read_collection_result(store.folder)
        lost = lost_since(earlier, store, before)
    if store.records:  # collected by an earlier call, whose CPU seconds include those of the agent
        spent = None if earlier is None else earlier.cpu_seconds
        peak = 0 if earlier is None else earlier.peak_memory or 0
    start = used_cpu()
    code = own_code(store.env)  # before collecting, while which its files may change
    noise = derive(seed, "actions", store.next_number)
    with PeakMemory(peak) as memory, seeded_torch(noise):
        collect(store, config, seed, agent)
    cpu = None if spent is None else spent + used_cpu() - start
    _record_cost(store, before + lost, cpu, memory.bytes, code)


def _record_cost(
    store: RolloutStore,
    others: Cost,
    cpu: float | None,
    memory: int,
    code: Mapping[str, str],
) -> None:
    """Write result.json, which says that `store` is complete.

    `others` are the steps and seconds that its episodes do not tell of, `code` is that of the
    environment, see `own_code`.
    """
    result = CollectionResult(
        env_steps=others.env_steps + store.env_steps,
        frames=store.num_frames,
        episodes=len(store.records),
        seconds=others.seconds + sum(record.seconds for record in store.records),
        cpu_seconds=cpu,
        peak_memory=memory,
        command=exact_command(),
        versions={**library_versions(), **code},
    )
    COLLECTION.write(store.folder, result)


def _cost_of_agent(agent: Path) -> tuple[Cost, float | None]:
    """Return the cost of the agent in a run's folder, and its CPU seconds, with its encoder's.

    It is part of the cost of the frames that the agent collects. Raises ArtifactError if a part of
    it is not known, since its price would be told too low.
    """
    card, run = read_card(agent), read_run((agent / "../../..").resolve())
    if run.damage:
        raise ArtifactError(next(iter(run.damage.values())))
    needed = shared_stages(card.arm)
    if missing := [stage for stage in needed if stage.name not in run.stages]:
        files = " and ".join(f"{stage.folder}/{stage.file.name}" for stage in missing)
        raise ArtifactError(
            f"{agent}: what it took to train cannot be charged to its frames without {files} of "
            f"{run.folder}; name an agent in the folder of the run that trained it"
        )
    own = Cost(card.env_steps + card.refresh_env_steps, card.seconds + card.refresh_seconds)
    cpu = [card.cpu_seconds, card.refresh_cpu_seconds]
    cpu_before = [run.stages[stage.name].cpu_seconds for stage in needed]
    return own + run.known_charge(card.arm), if_known([*cpu, *cpu_before], sum)


def _without_amounts(experiment: Experiment) -> Experiment:
    """Return the experiment with default amounts, which may change between collections."""
    defaults = {"frames": RolloutConfig().frames, "num_envs": RolloutConfig().num_envs}
    rollouts = experiment.rollouts.model_copy(update=defaults)
    return experiment.model_copy(update={"rollouts": rollouts})
