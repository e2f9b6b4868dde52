"""Makes the environment of a config with `gymnasium.make`, without any wrapper of worldvae."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec, find_highest_version, get_env_id, parse_env_id

from worldvae.envs.config import EnvConfig
from worldvae.envs.doom import PREFIX, EngineFolder
from worldvae.envs.user_code import described, in_user_code, settings_kept
from worldvae.errors import ConfigError
from worldvae.extras import EXTRAS, import_extra

REGISTERED_BY = {
    "ALE/": "ale_py",
    "MiniGrid-": "minigrid",
    "BabyAI-": "minigrid",
    PREFIX: "vizdoom.gymnasium_wrapper",
}

ATARI = "ale_py.env:AtariEnv"
"""The entry point of Gymnasium's Atari games."""


def find_spec(config: EnvConfig) -> EnvSpec:
    """Return Gymnasium's registration of `config.id`, and import the module that registers it.

    An id without a version is taken as its newest version, with a warning. Raises ConfigError for
    an unknown id or a module that cannot be imported.
    """
    if config.import_ is not None:
        _import("env.import", config.import_)
    for prefix, module in REGISTERED_BY.items():
        if config.id.startswith(prefix):
            _import("env.id", module)
    try:
        return gym.spec(_with_version(config.id))
    except gym.error.Error as error:
        reason = " ".join(str(error).replace("`", "").split())
        raise ConfigError(
            f"env.id = {config.id!r}: {reason} Your own environment needs env.import, "
            "the module that registers it."
        ) from None


def has_limit(config: EnvConfig) -> bool:
    """Return whether episodes have a limit of steps: the config's, the id's, or Atari's own."""
    spec = find_spec(config)
    atari = {**spec.kwargs, **config.kwargs}.get("max_num_frames_per_episode")
    return any((config.max_episode_steps, spec.max_episode_steps, atari))


def step_limit(config: EnvConfig) -> int | None:
    """Return the steps after which the environment truncates; None if no limit is known."""
    return config.max_episode_steps or find_spec(config).max_episode_steps


def decision_limit(config: EnvConfig) -> int | None:
    """Return the decisions after which the environment truncates; None if no limit is known."""
    limit = step_limit(config)
    return None if limit is None else -(-limit // config.action_repeat)


def make_raw(spec: EnvSpec, config: EnvConfig) -> gym.Env[Any, Any]:
    """Make the environment with `gymnasium.make`.

    If it refuses a render_mode it is made without one, unless frames have to be rendered. If it
    refuses the lists in `env.kwargs` they are passed as tuples, since YAML has no tuples. Raises
    ConfigError with the first error if all attempts fail.
    """
    first: BaseException | None = None
    for arguments in _argument_sets(config):
        try:
            return _make(spec, config, arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # user code may raise anything
            first = first or error
    assert first is not None
    raise ConfigError(f"env.id = {config.id!r} cannot be made: {described(first)}") from first


def _argument_sets(config: EnvConfig) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each attempt to make the environment, the likeliest first."""
    given = dict(config.kwargs)
    # MiniGrid, MuJoCo and most others render only in the mode chosen when they are made.
    rendered: dict[str, Any] = {"render_mode": "rgb_array", **given}
    shown = [] if config.pixels in {"observation", "none"} else [rendered]
    if config.pixels != "render" and given not in shown:
        shown.append(given)
    for arguments in shown:
        yield from _with_tuples(arguments)


def _with_tuples(arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield `arguments` unchanged, then with all lists as tuples, then those of one at a time."""
    yield arguments
    tuples = {name: _as_tuples(value) for name, value in arguments.items()}
    changed = [name for name, value in tuples.items() if value != arguments[name]]
    if changed:
        yield tuples
    if len(changed) > 1:
        yield from ({**arguments, name: tuples[name]} for name in changed)


def _make(spec: EnvSpec, config: EnvConfig, arguments: dict[str, Any]) -> gym.Env[Any, Any]:
    with settings_kept(config.id):
        # Whether frames have to be rendered is checked later, by `make_env`.
        warnings.filterwarnings("ignore", ".*being initialised with render_mode", UserWarning)
        limit = config.max_episode_steps
        # A copy, since the environment may change its arguments.
        env = gym.make(spec, max_episode_steps=limit, **deepcopy(arguments))
    return EngineFolder(env) if spec.id.startswith(PREFIX) else env


def _as_tuples(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_as_tuples(part) for part in value)
    if isinstance(value, Mapping):
        return {key: _as_tuples(part) for key, part in value.items()}
    return value


def _with_version(env_id: str) -> str:
    """Return `env_id`, with the newest version if it names none and versions are registered."""
    space, name, version = parse_env_id(env_id)
    newest = find_highest_version(space, name)
    if version is not None or newest is None or env_id in gym.registry:
        return env_id
    found = get_env_id(space, name, newest)
    warnings.warn(f"env.id = {env_id!r}: taken as {found}, the newest version", stacklevel=1)
    return found


def _import(key: str, module: str) -> None:
    """Import `module`, which the configuration's `key` asks for, or tell how Python finds it."""
    if not module:
        raise ConfigError("env.id begins with a colon; name the module before it, or leave it out")
    if module.partition(".")[0] in EXTRAS:
        import_extra(key, module)
    what = f"cannot import {module!r}, needed for {key}"
    with in_user_code(what), settings_kept(module):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # the module was found, and lacks another one
            if "/" in module or module.endswith(".py"):
                raise ConfigError(
                    f"{what}: the path of a file or folder; write the name of the module, as in "
                    f"`import {Path(module).stem}`, and let Python find it by pip install -e "
                    "FOLDER of its package, or PYTHONPATH=FOLDER if it is one file"
                ) from None
            raise ConfigError(
                f"{what}: Python does not find {error.name!r}; pip install -e FOLDER of its "
                "package, or PYTHONPATH=FOLDER if it is one file"
            ) from None
