"""Play N environments with a mix of policies and store every finished episode."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import Field, model_validator
from tqdm import tqdm

from worldvae.config import Config, UserError
from worldvae.envs import EnvConfig, StateVariable, make_vec, shows_state, state_variables
from worldvae.envs.vector import final_observations, image_of
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.policies import EpsilonPolicy, Policy, RandomPolicy, SmoothPolicy
from worldvae.rollouts.store import RolloutStore
from worldvae.seeding import derive, numpy_stream

PolicyName = Literal["random", "smooth", "agent"]


class RolloutConfig(Config):
    """How many frames to collect, and who drives."""

    frames: int = Field(20_000, ge=100, description="Frames to store, first ones included.")
    num_envs: int = Field(16, ge=1, le=512, description="Environments played at once.")
    policies: dict[PolicyName, float] = Field(
        {"smooth": 1.0}, description="Share of the episodes that each policy plays, by weight."
    )
    autocorrelation: float = Field(
        0.8, ge=0, lt=1, description="smooth: how much of an action carries over to the next."
    )
    drift: tuple[float, ...] | None = Field(
        None, description="smooth: mean action, one number per axis (null: middle of the range)."
    )
    agent: str | None = Field(
        None, description="agent: folder of a trained agent, runs/NAME/agents/ARM/seed_0."
    )
    epsilon: float = Field(
        0.1, ge=0, le=1, description="agent: share of its actions replaced by random ones."
    )

    state: Literal["auto", "always"] = Field(
        "auto",
        description="auto: the true state is recorded where the fastest backend shows it; "
        "always: collection takes the Gymnasium backend, which does.",
    )

    @model_validator(mode="after")
    def _checks(self) -> RolloutConfig:
        weights = self.policies.values()
        if not weights or min(weights) < 0 or sum(weights) == 0:
            raise ValueError("policies needs weights >= 0 that are not all 0")
        if ("agent" in self.policies) != (self.agent is not None):
            raise ValueError("policies.agent and agent (its folder) go together")
        return self


def collect(
    store: RolloutStore, config: RolloutConfig, seed: int, agent: Policy | None = None
) -> None:
    """Add episodes to `store` until it holds `config.frames` frames.

    A store that already holds some goes on with new seeds. Episodes still running at the end
    are stored as truncated, so that short episodes are not over-represented.

    Args:
        agent: The policy that plays "agent"; it is made from `config.agent` one layer above.
    """
    with store.writing():
        if store.num_frames >= config.frames:
            return
        stream = derive(seed, "collect", len(store.records))
        env_config, variables = with_state(store.env, config.state)
        if shows_state(env_config):
            store.describe_state(variables)
        env = make_vec(env_config, config.num_envs, stream)
        try:
            policies = make_policies(config, env.single_action_space, stream, agent)
            weights = [config.policies[name] for name in policies]  # type: ignore[index]
            rollout = Rollout(
                env, policies, weights, stream, store.env.image_key, has_state=bool(variables)
            )
            _record(rollout, store, config.frames)
        finally:
            env.close()


def with_state(
    env: EnvConfig, wish: Literal["auto", "always"]
) -> tuple[EnvConfig, tuple[StateVariable, ...]]:
    """`env` on the backend that `wish` asks for, and the variables that it will show.

    Raises UserError if they are to be recorded always, but there is no reader.
    """
    if wish == "always":
        env = env.model_copy(update={"backend": "gymnasium"})
    variables = state_variables(env) if shows_state(env) else ()
    if wish == "always" and not variables:
        raise UserError(
            f"rollouts.state = 'always', but nothing reads the state of {env.id}; register a "
            "worldvae.envs.state_reader in the module that env.import names, or set it to auto"
        )
    return env, variables


def make_policies(
    config: RolloutConfig, space: Any, seed: int, agent: Policy | None
) -> dict[str, Policy]:
    """The policies that `config.policies` names, each with a random stream of its own."""
    policies: dict[str, Policy] = {}
    for name in config.policies:
        generator = numpy_stream(seed, "policy", name)
        if name == "random":
            policies[name] = RandomPolicy(space, generator)
        elif name == "smooth":
            policies[name] = SmoothPolicy(space, generator, config.autocorrelation, config.drift)
        elif agent is None:
            raise UserError("rollouts.policies names agent, but no agent was given to collect()")
        else:
            policies[name] = EpsilonPolicy(agent, space, generator, config.epsilon)
    return policies


class Rollout:
    """N environments in play; `step` hands out the episodes that ended on it."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        policies: Mapping[str, Policy],
        weights: Sequence[float],
        seed: int,
        image_key: str | None = None,
        has_state: bool = False,
    ) -> None:
        """`has_state`: a reader shows the true state of `env`, and episodes keep it."""
        self._env, self._policies, self._seed, self._image_key = env, policies, seed, image_key
        self._has_state = has_state
        self._names = list(policies)
        self._chance = np.array(weights) / np.sum(weights)
        self._chooser = numpy_stream(seed, "choose")
        self._obs, info = env.reset()
        self._starting = np.ones(env.num_envs, bool)
        self._tapes = [self._new_tape(i, info) for i in range(env.num_envs)]

    def step(self) -> list[Episode]:
        """One decision in every environment; the episodes that it ended."""
        actions = self._act()
        self._obs, rewards, terminated, truncated, info = self._env.step(actions)
        frames = image_of(self._obs, self._image_key)
        self._starting = terminated | truncated
        last = dict(zip(*final_observations(info, self._env.num_envs), strict=True))
        ended = []
        for i, tape in enumerate(self._tapes):
            if not self._starting[i]:
                tape.add(actions[i], rewards[i], frames[i], self._state(info, i))
                continue
            final_state = self._state(info.get("final_info", {}), i)
            tape.add(actions[i], rewards[i], image_of(last[i], self._image_key), final_state)
            ended.append(tape.episode(self._seed, bool(terminated[i])))
            self._tapes[i] = self._new_tape(i, info)
        return ended

    def cut(self) -> list[Episode]:
        """The running episodes as they stand, truncated."""
        return [tape.episode(self._seed, False) for tape in self._tapes if tape.actions]

    @property
    def running_frames(self) -> int:
        """Frames of the episodes that `cut` would give."""
        return sum(len(tape.frames) for tape in self._tapes if tape.actions)

    def _act(self) -> NDArray[Any]:
        proposals = {
            name: policy(self._obs, self._starting) for name, policy in self._policies.items()
        }
        return np.stack([proposals[tape.policy][i] for i, tape in enumerate(self._tapes)])

    def _new_tape(self, index: int, info: dict[str, Any]) -> _Tape:
        policy = self._names[self._chooser.choice(len(self._names), p=self._chance)]
        frame = image_of(self._obs, self._image_key)[index]
        return _Tape(policy, frame, self._state(info, index))

    def _state(self, info: dict[str, Any], index: int) -> NDArray[np.float64] | None:
        return np.copy(info["state"][index]) if self._has_state else None


class _Tape:
    """The episode that runs in one environment."""

    def __init__(self, policy: str, frame: NDArray[np.uint8], state: Any) -> None:
        self.policy = policy
        self.frames = [frame.copy()]
        self.states = [state]
        self.actions: list[Any] = []
        self.rewards: list[float] = []

    def add(self, action: Any, reward: float, frame: NDArray[np.uint8], state: Any) -> None:
        self.actions.append(np.copy(action))
        self.rewards.append(float(reward))
        self.frames.append(frame.copy())
        self.states.append(state)

    def episode(self, seed: int, terminated: bool) -> Episode:
        last = np.arange(1, len(self.actions) + 1) == len(self.actions)
        return Episode(
            obs=np.stack(self.frames),
            action=np.stack(self.actions),
            reward=np.array(self.rewards),
            terminated=last & terminated,
            truncated=last & (not terminated),
            seed=seed,
            policy=self.policy,
            state=None if self.states[0] is None else np.stack(self.states),
        )


def _record(rollout: Rollout, store: RolloutStore, frames: int) -> None:
    started = time.perf_counter()
    with tqdm(
        total=frames, initial=store.num_frames, desc="collect", unit="frames", disable=None
    ) as bar:
        while store.num_frames + rollout.running_frames < frames:
            for episode in rollout.step():
                started = _store(store, episode, started)
            bar.update(store.num_frames + rollout.running_frames - bar.n)
        for episode in rollout.cut():
            started = _store(store, episode, started)


def _store(store: RolloutStore, episode: Episode, since: float) -> float:
    """Append `episode`, charging it the seconds since the last one; the time now."""
    now = time.perf_counter()
    store.append(episode, seconds=now - since)
    return now
