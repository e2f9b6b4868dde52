"""Compares an exported agent with the agent that it was made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.export.acting import ExportedAgent
from agents.policy.agent import Agent
from agents.policy.evaluate import check_ends, endless_after
from agents.run.agent_card import read_card
from agents.video.play import evaluation_settings
from worldvae.envs import EnvConfig, make_env
from worldvae.envs.actions import EnvActions
from worldvae.envs.make import repeating
from worldvae.envs.make_raw import find_spec, make_raw
from worldvae.envs.vector import batch_of_one
from worldvae.envs.world import RealWorld
from worldvae.envs.wrappers import FrameObservation, steer_throttle

TOLERANCE = 1e-4
"""The difference of a number of an action that float32 may make."""


@dataclass(frozen=True)
class Shown:
    """What an environment itself shows of one moment."""

    frame: NDArray[Any]
    keys: dict[str, NDArray[Any]]

    @classmethod
    def by(cls, env: Any, observation: Any, image_key: str | None, renders: bool) -> Shown:
        """Return what `env` shows: its `observation`, or the image that it renders."""
        if renders:
            return cls(np.asarray(env.render()), {})
        if image_key is None:
            return cls(np.asarray(observation), {})
        others = {key: np.asarray(part) for key, part in observation.items() if key != image_key}
        return cls(np.asarray(observation[image_key]), others)

    def act(self, agent: ExportedAgent, is_first: bool) -> Any:
        """Return the environment's own action that `agent` chooses."""
        keys = {key: value[None] for key, value in self.keys.items()}
        return agent(self.frame[None], np.array([is_first]), keys)[0]


@dataclass(frozen=True)
class ExportCheck:
    """How an exported agent and its agent acted on the same frames, and what each achieved."""

    differences: tuple[float, ...]
    """Of each decision the largest difference of a number of the action; 1 for another choice."""
    returns: tuple[float, ...]
    """Of each episode that the agent played."""
    exported_returns: tuple[float, ...]
    """Of the same episodes, played by the exported agent in the environment itself."""
    disturbed_returns: tuple[float, ...] = ()
    """Of the same episodes, played by the agent whose actions were disturbed by no more than the
    largest difference; empty where all returns are the same, or actions are choices."""

    @property
    def text(self) -> str:
        """The agreement as a line."""
        apart = sum(difference > TOLERANCE for difference in self.differences)
        text = (
            f"{len(self.differences):,} decisions: {apart} differ by more than {TOLERANCE:g}, the "
            f"largest difference is {max(self.differences):.2g}; "
            f"{same(self.returns, self.exported_returns)} of {len(self.returns)} "
            f"episodes have the same return, mean {np.mean(self.exported_returns):.5g} exported, "
            f"{np.mean(self.returns):.5g} before"
        )
        if not self.disturbed_returns:
            return text
        return (
            f"{text}; the agent's own actions disturbed by as little leave "
            f"{same(self.returns, self.disturbed_returns)} the same, mean "
            f"{np.mean(self.disturbed_returns):.5g}"
        )


def same(returns: Sequence[float], others: Sequence[float]) -> int:
    """Return how many pairs of returns are equal but for float32's last bits."""
    pairs = zip(returns, others, strict=True)
    return sum(math.isclose(*pair, rel_tol=1e-4, abs_tol=1e-4) for pair in pairs)


def check(folder: Path, path: Path, episodes: int) -> ExportCheck:
    """Let the agent in `folder` and its file `path` play the first evaluation episodes.

    Both take the mode of the policy. Raises ConfigError if an episode does not end.
    """
    config = read_card(folder).env.as_evaluated()
    agent, exported = Agent.load(folder), ExportedAgent(path)
    first = evaluation_settings(folder).seed
    seeds = range(first, first + episodes)
    both = [play_both(agent, exported, config, seed) for seed in seeds]
    differences = [difference for each, _ in both for difference in each]
    returns = [return_ for _, return_ in both]
    alone = [play_alone(exported, config, seed) for seed in seeds]
    result = ExportCheck(tuple(differences), tuple(returns), tuple(alone))
    most = max(differences)
    if same(returns, alone) == episodes or not 0 < most <= TOLERANCE:
        return result
    disturbed = (play_disturbed(agent, config, seed, most) for seed in seeds)
    return replace(result, disturbed_returns=tuple(disturbed))


def episode_return(
    config: EnvConfig, env: gym.Env[Any, Any], seed: int, act: Callable[[Any, bool], Any]
) -> float:
    """Play an episode of `env`, made of `config`, with the actions of `act`(observation, is_first).

    Raises ConfigError if it does not end.
    """
    limit = endless_after(RealWorld(config))
    observation, _ = env.reset(seed=seed)
    total, ended, decisions = 0.0, False, 0
    while not ended:
        check_ends(config.id, decisions, limit)
        action = act(observation, decisions == 0)
        observation, reward, terminated, truncated, _ = env.step(action)
        total, ended, decisions = total + float(reward), terminated or truncated, decisions + 1
    return total


def play_both(
    agent: Agent, exported: ExportedAgent, config: EnvConfig, seed: int
) -> tuple[list[float], float]:
    """Return the difference of both in each decision of the agent, and what it achieves."""
    differences = list[float]()
    with closing(make_env(config)) as env:
        assert isinstance(env, FrameObservation)
        own = env.get_wrapper_attr("env_action_space")
        convert = EnvActions(own)

        def act(observation: Any, is_first: bool) -> Any:
            shown = Shown.by(env.env, observation, env.image_key, env.layout is None)
            seen = batch_of_one(env.observation(observation), env.image_key)
            action = agent(seen, np.array([is_first]))[0]
            mapped = steer_throttle(action) if config.has_steer_throttle else action
            chosen = shown.act(exported, is_first)
            differences.append(difference_of(convert(mapped), chosen, own))
            return action

        agent.begin()
        return_ = episode_return(config, env.env, seed, act)
        return differences, return_


def play_disturbed(agent: Agent, config: EnvConfig, seed: int, by: float) -> float:
    """Return what the agent achieves if each number of its actions is moved by at most `by`.

    An environment whose physics are chaotic makes another episode of that, whoever acts.
    """
    noise = np.random.default_rng(seed)
    with closing(make_env(config)) as env:
        space, image_key = env.action_space, env.get_wrapper_attr("image_key")
        assert isinstance(space, spaces.Box)

        def act(observation: Any, is_first: bool) -> Any:
            chosen = agent(batch_of_one(observation, image_key), np.array([is_first]))[0]
            moved = chosen + noise.uniform(-by, by, chosen.shape)
            return np.clip(moved, space.low, space.high).astype(space.dtype)

        agent.begin()
        return episode_return(config, env, seed, act)


def play_alone(exported: ExportedAgent, config: EnvConfig, seed: int) -> float:
    """Return what the exported agent achieves in the environment itself, its actions repeated."""
    with closing(make_env(config)) as outer:
        assert isinstance(outer, FrameObservation)
        image_key, renders = outer.image_key, outer.layout is None
    spec = find_spec(config)
    with closing(make_raw(spec, config)) as env:

        def act(observation: Any, is_first: bool) -> Any:
            return Shown.by(env, observation, image_key, renders).act(exported, is_first)

        return episode_return(config, repeating(env, config, spec), seed, act)


def difference_of(expected: Any, chosen: Any, space: spaces.Space[Any]) -> float:
    """Return the largest difference of a number of two actions; 1 for another choice."""
    if isinstance(space, spaces.Discrete):
        return float(expected != chosen)
    numbers = np.asarray(expected, np.float64) - np.asarray(chosen, np.float64)
    return float(np.abs(numbers).max())
