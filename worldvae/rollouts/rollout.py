"""Steps N environments with policies, and records the episode that runs in each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from worldvae.envs.actions import EnvActions
from worldvae.envs.observations import image_of
from worldvae.envs.state import STATE
from worldvae.envs.vector import action_space_of, final_observations
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.keys import RecordedKey, join_keys, split_keys, vector_keys
from worldvae.rollouts.policies import Policy
from worldvae.seeding import numpy_stream

INITIAL_CAPACITY = 64
"""How many frames fit into the buffer of a new tape."""


class Snapshot(NamedTuple):
    """What one environment shows at one moment; None is what it does not record."""

    frame: NDArray[np.uint8]
    """(H, W, C)."""
    state: NDArray[np.float64] | None
    """The true state, (S,)."""
    numbers: NDArray[np.float32] | None
    """Those of all keys beside the frame, (X,)."""


class Rollout:
    """Plays N environments; `step` returns the episodes that ended on that step."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        policies: Mapping[str, Policy],
        weights: Sequence[float],
        seed: int,
        image_key: str | None = None,
        has_state: bool = False,
    ) -> None:
        """Reset `env` and draw a policy for each environment.

        Args:
            env: N environments with SAME_STEP autoreset.
            policies: The policies by name.
            weights: The weight of each policy; an episode's policy is drawn in proportion to it.
            seed: Decides the draws of policies; it is also stored with each episode.
            image_key: The key of the frame, if observations are a Dict.
            has_state: Whether `env` shows its true state, which episodes then keep.
        """
        self._env, self._policies, self._seed, self._image_key = env, policies, seed, image_key
        self._has_state = has_state
        self._env_actions = EnvActions(action_space_of(env))
        self._names = list(policies)
        self._chance = np.array(weights) / np.sum(weights)
        self._chooser = numpy_stream(seed, "choose")
        self._keys = vector_keys(env.single_observation_space, image_key)
        self._obs, info = env.reset()
        self._episode_starts = np.ones(env.num_envs, bool)
        self._env_indices = np.arange(env.num_envs)
        self._plays, self._lengths = np.zeros((2, env.num_envs), np.intp)
        self._free_buffers: deque[NDArray[np.uint8]] = deque()
        self._state = info.get(STATE)
        self._tapes = [self._begin(i, shown) for i, shown in enumerate(self._shown(info))]

    def step(self) -> list[Episode]:
        """Take one decision in each environment and return the episodes that ended on it."""
        chosen = self._act()
        actions = self._env_actions.batch(chosen)
        self._obs, rewards, terminated, truncated, info = self._env.step(chosen)
        self._state = info.get(STATE)
        shown = self._shown(info)
        self._episode_starts = terminated | truncated
        self._lengths = np.where(self._episode_starts, 0, self._lengths + 1)
        for i in np.flatnonzero(~self._episode_starts):
            self._tapes[i].add(actions[i], rewards[i], shown[i])
        if not self._episode_starts.any():
            return []
        ended = []
        last_states = self._states(info.get("final_info", {}))
        for i, last in zip(*final_observations(info, self._env.num_envs), strict=True):
            tape, policy = self._tapes[i], self._names[self._plays[i]]
            frame, numbers = image_of(last, self._image_key), self._numbers(last)
            tape.add(actions[i], rewards[i], Snapshot(frame, last_states[i], numbers))
            ended.append(tape.episode(self._seed, policy, bool(terminated[i])))
            self._tapes[i] = self._begin(i, shown[i])
        return ended

    def recycle(self, episode: Episode) -> None:
        """Give the memory of `episode`, whose frames are no longer needed, to a later episode.

        A process's first use of new memory takes longer than copying frames into it. Any thread may
        call this.
        """
        if episode.obs.base is not None:
            self._free_buffers.append(episode.obs.base)

    def cut(self) -> list[Episode]:
        """Return the running episodes up to their last decision, truncated and marked as cut."""
        return [
            tape.episode(self._seed, self._names[policy], terminated=False, cut=True)
            for tape, policy in zip(self._tapes, self._plays, strict=True)
            if tape.length
        ]

    @property
    def running_frames(self) -> int:
        """The number of frames in the episodes that `cut` would return."""
        return int(self._lengths.sum() + np.count_nonzero(self._lengths))

    def _act(self) -> NDArray[Any]:
        """Choose the next actions: (N, ...).

        Every policy is called for all environments, so that its random stream does not depend on
        which environments the other policies play.
        """
        inputs = self._obs, self._episode_starts, self._state
        proposals = [policy(*inputs) for policy in self._policies.values()]
        actions: NDArray[Any] = np.stack(proposals)[self._plays, self._env_indices]
        return actions

    def _begin(self, index: int | np.intp, first: Snapshot) -> Tape:
        """Draw the policy of the episode that begins, and return its tape."""
        self._plays[index] = self._chooser.choice(len(self._names), p=self._chance)
        shape = INITIAL_CAPACITY, *first.frame.shape
        is_free = bool(self._free_buffers)
        buffer = self._free_buffers.pop() if is_free else np.empty(shape, np.uint8)
        return Tape(first, buffer, self._keys)

    def _shown(self, info: dict[str, Any]) -> list[Snapshot]:
        """Return what each environment shows now; only states and numbers are copies."""
        numbers = self._numbers(self._obs) if self._keys else [None] * self._env.num_envs
        columns = image_of(self._obs, self._image_key), self._states(info), numbers
        return list(map(Snapshot._make, zip(*columns, strict=True)))

    def _numbers(self, observation: Any) -> Any:
        """Return a copy of the numbers of all keys, (X,) or (N, X); None without keys."""
        return join_keys(observation, self._keys) if self._keys else None

    def _states(self, info: dict[str, Any]) -> Any:
        """Return a copy of the true state of each environment, (N, S), or N times None."""
        if not self._has_state:
            return [None] * self._env.num_envs
        return np.array(info[STATE], np.float64)


class Tape:
    """Records the episode that runs in one environment, which showed `first` at its start.

    Frames are copied into `buffer` (R, H, W, C), and into a larger one once R frames are in it.
    """

    def __init__(
        self, first: Snapshot, buffer: NDArray[np.uint8], keys: tuple[RecordedKey, ...] = ()
    ) -> None:
        self._frames, self._keys = buffer, keys
        self._frames[0] = first.frame
        self._states, self._numbers = [first.state], [first.numbers]
        self._actions, self._rewards = list[Any](), list[float]()

    @property
    def length(self) -> int:
        """The number of decisions so far."""
        return len(self._actions)

    def add(self, action: Any, reward: float, shown: Snapshot) -> None:
        """Record a decision, its reward, and what is shown after it; only the frame is copied."""
        self._actions.append(action)
        self._rewards.append(reward)
        self._states.append(shown.state)
        self._numbers.append(shown.numbers)
        length = len(self._actions)
        if length == len(self._frames):
            self._frames = enlarged(self._frames, 4 * length)
        self._frames[length] = shown.frame

    def episode(self, seed: int, policy: str, terminated: bool, cut: bool = False) -> Episode:
        """Return the episode up to its last decision; it is truncated unless `terminated`."""
        last = np.arange(1, self.length + 1) == self.length
        return Episode(
            obs=self._frames[: self.length + 1],
            action=np.array(self._actions),
            reward=np.array(self._rewards, np.float64),
            terminated=last & terminated,
            truncated=last & (not terminated),
            seed=seed,
            policy=policy,
            state=None if self._states[0] is None else np.array(self._states),
            cut=cut,
            keys=split_keys(np.array(self._numbers), self._keys) if self._keys else {},
        )


def enlarged(frames: NDArray[np.uint8], capacity: int) -> NDArray[np.uint8]:
    """Return an array (capacity, H, W, C) that begins with a copy of `frames` (T, H, W, C)."""
    larger = np.empty((capacity, *frames.shape[1:]), np.uint8)
    larger[: len(frames)] = frames
    return larger
