"""Compares the environment of a dataset with that of a configuration."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from gymnasium.envs.registration import EnvSpec

from worldvae.envs import recorded_action_space
from worldvae.envs import source_shape as shape_of
from worldvae.envs.config import EnvConfig
from worldvae.envs.make_raw import find_spec
from worldvae.envs.make_raw import has_limit as limited
from worldvae.errors import ArtifactError, ConfigError
from worldvae.fields import in_yaml
from worldvae.rollouts.imported import RecordedActions
from worldvae.rollouts.minari.source import MinariSource

FRAME_WRAPPER = "FrameObservation"
REPEAT_WRAPPERS = ("ActionRepeat", "LazyActionRepeat", "MaxPooledRepeat")
"""The names of the wrappers of `make_env` that prepare frames and that repeat actions."""

ADVICE = "set it as the dataset has it, or choose another one"


def check_task(source: MinariSource, env: EnvConfig) -> None:
    """Raise ArtifactError, with the key to set, if the dataset is of another task than `env`.

    A dataset that names no environment is taken for one of `env`, which a warning says.
    """
    if env.frame.max_pool and not is_prepared(source):
        raise ArtifactError(
            f"{source} holds an image of each decision, where env.frame.max_pool takes those of "
            "two steps; leave it out"
        )
    if source.note is not None:
        if difference := source.note.env.other_task(env):
            raise ArtifactError(f"{source} is of another task: {difference} as here; {ADVICE}")
    elif source.spec is None:
        _warn(f"{source} does not say which environment it shows; taken for {env.id} (env.id)")
    else:
        for key, theirs, ours in _differences(source.spec, env):
            raise ArtifactError(
                f"{source} was made with {key} = {in_yaml(theirs, '')}, here it is "
                f"{in_yaml(ours, '')}; {ADVICE}"
            )


def is_prepared(source: MinariSource) -> bool:
    """Return whether frames of the dataset are those of `make_env`, prepared as env.frame says."""
    return source.note is not None or FRAME_WRAPPER in _wrappers(source.spec)


def repeats_of(spec: EnvSpec | None) -> int:
    """Return how many environment steps a decision of the dataset takes."""
    wrappers = _wrappers(spec)
    return next((wrappers[name]["repeat"] for name in REPEAT_WRAPPERS if name in wrappers), 1)


def check_actions(source: MinariSource, env: EnvConfig) -> RecordedActions:
    """Return the action space of the dataset, which is that of `env` if `env` can be made.

    A warning says why the environment cannot be made, or that its actions do not count from 0.
    Raises ArtifactError for a space that nothing can act in, or another one than `env` has.
    """
    try:
        actions = RecordedActions.of(source.action_space)
    except ConfigError as error:
        raise ArtifactError(f"{source}: {error}") from None
    if actions.start:
        _warn(f"{source}: its actions count from {actions.start}; those of agents count from 0")
    try:
        own = RecordedActions.of(recorded_action_space(env))
    except ConfigError as error:
        _warn(f"{source} serves encoders, dynamics and dreams alone, since here {error}")
        return actions
    if own != actions:
        mapped = " (env.action_map: none keeps the environment's own)"
        raise ArtifactError(
            f"{source}: its actions are {actions.space}, those of {env.id} as configured are "
            f"{own.space}{mapped if env.has_steer_throttle else ''}"
        )
    return actions


def source_shape(source: MinariSource, env: EnvConfig, shown: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the environment's own frame.

    `shown` is that of a frame of the dataset. A warning says if `env` shows another one, so that
    encoders made from the dataset are for its frames alone.
    """
    if source.note is not None:
        return source.note.source_shape
    try:
        own = shape_of(env)
    except ConfigError:
        return shown
    if is_prepared(source):
        return own
    if own != shown:
        _warn(
            f"{source}: its frames are {shown}, {env.id} shows {own}, so that encoders made from "
            "it cannot read that environment"
        )
    return shown


def has_limit(source: MinariSource, env: EnvConfig) -> bool:
    """Return whether episodes have a limit of steps, in the dataset or here.

    It is not asked for where the environment cannot be made, since no agent is evaluated in it.
    """
    if source.spec is not None and source.spec.max_episode_steps is not None:
        return True
    try:
        return limited(env)
    except ConfigError:
        return True


def _differences(spec: EnvSpec, env: EnvConfig) -> Iterator[tuple[str, Any, Any]]:
    """Yield key, value of the dataset, and value of `env` where they differ."""
    try:
        registered = find_spec(env)
    except ConfigError:
        registered = None
    own = env.id if registered is None else registered.id
    if spec.id != own:
        yield "env.id", spec.id, own
    if env.action_repeat != (repeat := repeats_of(spec)):
        yield "env.action_repeat", repeat, env.action_repeat
    defaults = {} if registered is None else registered.kwargs
    theirs, ours = _arguments(spec.kwargs, env.kwargs, defaults)
    if theirs != ours:
        yield "env.kwargs", theirs, ours
    limit = env.max_episode_steps or (registered and registered.max_episode_steps)
    if spec.max_episode_steps != limit and (spec.max_episode_steps or env.max_episode_steps):
        yield "env.max_episode_steps", spec.max_episode_steps, limit
    prepared = _wrappers(spec).get(FRAME_WRAPPER)
    frame = env.frame.model_dump(mode="json")
    if prepared is not None and prepared["config"] != frame:
        yield "env.frame", prepared["config"], frame


def _arguments(
    theirs: Mapping[str, Any], given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return what makes the environment of the dataset, and of a config, as JSON holds it.

    A default that the dataset does not name is of another version of the environment; no config
    could leave it out, so it is not compared. Neither is the render mode.
    """
    known = {key: value for key, value in defaults.items() if key in theirs}
    both = theirs, {**known, **given}
    named = [{k: v for k, v in one.items() if k != "render_mode"} for one in both]
    return tuple(json.loads(json.dumps(named, default=str)))


def _wrappers(spec: EnvSpec | None) -> dict[str, dict[str, Any]]:
    """Return the arguments of those wrappers of `make_env` that the dataset was made with."""
    wrappers = () if spec is None else spec.additional_wrappers
    ours = [wrapper for wrapper in wrappers if wrapper.entry_point.startswith("worldvae.")]
    return {wrapper.name: dict(wrapper.kwargs or {}) for wrapper in ours}


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)
