"""Play N environments with a mix of policies and store every finished episode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from worldvae.envs import EnvConfig, StateVariable, shows_state, state_variables
from worldvae.envs.vector import action_space_of
from worldvae.envs.watch import noticed_by
from worldvae.envs.world import RealWorld, World
from worldvae.errors import ConfigError
from worldvae.progress import ProgressBar
from worldvae.rollouts.config import RolloutConfig
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.findings import Findings, say
from worldvae.rollouts.keys import vector_keys
from worldvae.rollouts.policies import (
    EpsilonPolicy,
    Policy,
    RandomPolicy,
    SmoothPolicy,
    Translated,
)
from worldvae.rollouts.rollout import Rollout
from worldvae.rollouts.store import RolloutStore
from worldvae.rollouts.sweeps import SweepPolicy
from worldvae.rollouts.writer import background_writer
from worldvae.seeding import derive, numpy_stream


def collect(
    store: RolloutStore,
    config: RolloutConfig,
    seed: int,
    agent: Policy | None = None,
    world: World | None = None,
) -> None:
    """Add episodes to `store` until it holds `config.frames` frames.

    A store that already holds some frames is continued with new seeds. Episodes still running at
    the end are stored as truncated, so that short episodes are not over-represented.

    Args:
        store: The folder that the episodes are added to.
        config: How many frames are collected, and by which policies.
        seed: Decides the seeds of the environments and of the policies.
        agent: The policy named "agent" in `config.policies`. It acts in the `single_action_space`
            of `make_vec`.
        world: The world to play in. It has to show frames of the store's shape, and its true state
            is not recorded. None plays the environments of the store's configuration.

    Raises ConfigError if `agent` is given and `config.policies` does not name it, or the other
    way round.
    """
    if agent is not None and "agent" not in config.policies:
        raise ConfigError("collect() was given an agent that rollouts.policies does not name")
    with store.writing():
        if store.num_frames >= config.frames:
            return
        stream = derive(seed, "collect", store.next_number)
        variables: tuple[StateVariable, ...] = ()
        if world is None:
            env_config, variables = with_state(store.env, config.state)
            world = RealWorld(env_config)
            if shows_state(env_config):
                store.describe_state(variables)
        env = world.make_vec(config.num_envs, stream)
        try:
            keys = vector_keys(env.single_observation_space, world.image_key)
            store.describe_keys(keys)
            policies = make_policies(config, action_space_of(env), stream, agent)
            weights = [config.policies[name] for name in policies]  # type: ignore[index]
            rollout = Rollout(env, policies, weights, stream, world.image_key, bool(variables))
            findings = Findings(store, keys, world.has_limit)

            # The queue holds num_envs episodes, since all may end on the same step.
            with background_writer(store, config.num_envs, rollout.recycle) as write:
                _record(rollout, write, findings, store, config.frames)
            say(store, findings.after(noticed_by(env)))
        finally:
            env.close()


def with_state(
    env: EnvConfig, recorded: Literal["auto", "always"]
) -> tuple[EnvConfig, tuple[StateVariable, ...]]:
    """Return `env` with the backend that shows its state, and the variables of that state.

    With `recorded` "always" the backend becomes Gymnasium's; with "auto" it stays, and there are
    no variables if it does not show the state. Raises ConfigError if the state is to be recorded
    always but no reader is registered.
    """
    if recorded == "always":
        env = env.model_copy(update={"backend": "gymnasium"})
    variables = state_variables(env) if shows_state(env) else ()
    if recorded == "always" and not variables:
        raise ConfigError(
            f"rollouts.state = 'always', but nothing reads the state of {env.id}; register a "
            "worldvae.envs.state_reader in the module that env.import names, or set it to auto"
        )
    return env, variables


def make_policies(
    config: RolloutConfig, space: Any, seed: int, agent: Policy | None
) -> dict[str, Policy]:
    """Return the policies that `config.policies` names, each with a random stream of its own.

    `space` is the environment's own action space; the policies act in its `agent_space`. Raises
    ConfigError if "agent" is named but `agent` is None.
    """
    policies: dict[str, Policy] = {}
    for name in config.policies:
        generator = numpy_stream(seed, "policy", name)
        if name == "random":
            policies[name] = Translated(RandomPolicy(space, generator), space)
        elif name == "smooth":
            smooth = SmoothPolicy(space, generator, config.autocorrelation, config.drift)
            policies[name] = Translated(smooth, space)
        elif name == "sweep":
            sweep = SweepPolicy(space, generator, config.held, config.sweep_noise)
            policies[name] = Translated(sweep, space)
        elif agent is None:
            raise ConfigError(
                "rollouts.policies names agent: say its folder in rollouts.agent, or give "
                "collect() a policy"
            )
        else:
            policies[name] = EpsilonPolicy(agent, space, generator, config.epsilon)
    return policies


def _record(
    rollout: Rollout,
    write: Callable[[Episode], None],
    findings: Findings,
    store: RolloutStore,
    frames: int,
) -> None:
    """Play, and write finished episodes, until `store` will hold `frames` frames."""
    stored = store.num_frames
    with ProgressBar("collect", frames, "frames", done=stored) as bar:
        while stored + rollout.running_frames < frames:
            for episode in rollout.step():
                findings.include(episode)
                write(episode)
                stored += len(episode.obs)
            bar.reach(stored + rollout.running_frames)
            say(store, findings.meanwhile())
        for episode in rollout.cut():
            findings.include(episode)
            write(episode)
