"""N environments in play, and the episode that runs in each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from worldvae.envs.actions import EnvActions
from worldvae.envs.state import STATE
from worldvae.envs.vector import action_space_of, final_observations, image_of
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.policies import Policy
from worldvae.seeding import numpy_stream

SHORTEST_ROOM = 64
"""Frames that a tape has room for in new memory."""


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
        self._env_actions = EnvActions(action_space_of(env))
        self._names = list(policies)
        self._chance = np.array(weights) / np.sum(weights)
        self._chooser = numpy_stream(seed, "choose")
        self._obs, info = env.reset()
        self._episode_starts = np.ones(env.num_envs, bool)
        self._everyone = np.arange(env.num_envs)
        self._plays, self._lengths = np.zeros((2, env.num_envs), np.intp)
        self._rooms: deque[NDArray[np.uint8]] = deque()
        self._state = info.get(STATE)
        frames, states = image_of(self._obs, image_key), self._states(info)
        self._tapes = [self._begin(i, frames[i], states[i]) for i in range(env.num_envs)]

    def step(self) -> list[Episode]:
        """One decision in every environment; the episodes that it ended."""
        chosen = self._act()
        actions = self._env_actions.batch(chosen)
        self._obs, rewards, terminated, truncated, info = self._env.step(chosen)
        self._state = info.get(STATE)
        frames, states = image_of(self._obs, self._image_key), self._states(info)
        self._episode_starts = terminated | truncated
        self._lengths = np.where(self._episode_starts, 0, self._lengths + 1)
        for i in np.flatnonzero(~self._episode_starts):
            self._tapes[i].add(actions[i], rewards[i], frames[i], states[i])
        if not self._episode_starts.any():
            return []
        ended = []
        last_states = self._states(info.get("final_info", {}))
        for i, last in zip(*final_observations(info, self._env.num_envs), strict=True):
            tape, policy = self._tapes[i], self._names[self._plays[i]]
            tape.add(actions[i], rewards[i], image_of(last, self._image_key), last_states[i])
            ended.append(tape.episode(self._seed, policy, bool(terminated[i])))
            self._tapes[i] = self._begin(i, frames[i], states[i])
        return ended

    def recycle(self, episode: Episode) -> None:
        """Let a later episode use the memory of `episode`, whose frames nobody needs any more.

        Memory that is new to a process costs more than the copy into it. Any thread may call this.
        """
        if episode.obs.base is not None:
            self._rooms.append(episode.obs.base)

    def cut(self) -> list[Episode]:
        """The running episodes as they stand, truncated and marked as cut."""
        return [
            tape.episode(self._seed, self._names[policy], terminated=False, cut=True)
            for tape, policy in zip(self._tapes, self._plays, strict=True)
            if tape.length
        ]

    @property
    def running_frames(self) -> int:
        """Frames of the episodes that `cut` would give."""
        return int(self._lengths.sum() + np.count_nonzero(self._lengths))

    def _act(self) -> NDArray[Any]:
        """Every policy sees every step, so that none depends on who else plays: (N, ...)."""
        seen = self._obs, self._episode_starts, self._state
        proposals = [policy(*seen) for policy in self._policies.values()]
        actions: NDArray[Any] = np.stack(proposals)[self._plays, self._everyone]
        return actions

    def _begin(self, index: int | np.intp, frame: NDArray[np.uint8], state: Any) -> Tape:
        self._plays[index] = self._chooser.choice(len(self._names), p=self._chance)
        shape = SHORTEST_ROOM, *frame.shape
        return Tape(frame, state, self._rooms.pop() if self._rooms else np.empty(shape, np.uint8))

    def _states(self, info: dict[str, Any]) -> NDArray[Any]:
        """Of each environment a copy of the true state, (N, S), or None, (N,)."""
        if not self._has_state:
            return np.full(self._env.num_envs, None)
        return np.array(info[STATE], np.float64)


class Tape:
    """The episode that runs in one environment, in `room` (R, H, W, C); moved when R are full."""

    def __init__(self, frame: NDArray[np.uint8], state: Any, room: NDArray[np.uint8]) -> None:
        self._frames = room
        self._frames[0] = frame
        self._first_state = state
        self._decisions: list[tuple[Any, float, Any]] = []
        self.length = 0

    def add(self, action: Any, reward: float, frame: NDArray[np.uint8], state: Any) -> None:
        """A decision and what followed; only the frame is copied."""
        self._decisions.append((action, reward, state))
        self.length += 1
        if self.length == len(self._frames):
            self._frames = with_room(self._frames, 4 * self.length)
        self._frames[self.length] = frame

    def episode(self, seed: int, policy: str, terminated: bool, cut: bool = False) -> Episode:
        """What was played so far; truncated unless `terminated`."""
        last = np.arange(1, self.length + 1) == self.length
        actions, rewards, states = zip(*self._decisions, strict=True)
        return Episode(
            obs=self._frames[: self.length + 1],
            action=np.array(actions),
            reward=np.array(rewards, np.float64),
            terminated=last & terminated,
            truncated=last & (not terminated),
            seed=seed,
            policy=policy,
            state=None if self._first_state is None else np.stack([self._first_state, *states]),
            cut=cut,
        )


def with_room(frames: NDArray[np.uint8], room: int) -> NDArray[np.uint8]:
    """`frames` (T, H, W, C) at the beginning of an array of `room` frames."""
    larger = np.empty((room, *frames.shape[1:]), np.uint8)
    larger[: len(frames)] = frames
    return larger
