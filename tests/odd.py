"""Environments that do to those who trust them what real ones do, and write down what was so.

`odd/Odd-v0` (and `odd/Read-v0`, whose state is read) is one for all kinds: in which space it takes
actions and tells its image, which further keys and infos it gives, whether it gives one array again
and again, and what it does to an action. Its picture is noise that follows from episode and step.
With `truth` it notes, as copies of its own, whatever it was given and gave: `read_truth` gives the
episodes back.
"""

import copy
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs import state_reader

SIDE = 40

ACTIONS: dict[str, spaces.Space[Any]] = {
    "discrete": spaces.Discrete(3),
    "from five": spaces.Discrete(3, start=5),
    "from below": spaces.Discrete(4, start=-2),
    "box": spaces.Box(np.array([-1, 0], "f4"), np.array([1, 2], "f4")),
    "double": spaces.Box(-2, 3, (2,), np.float64),
    "no float32": spaces.Box(-0.1, np.pi, (2,), np.float64),  # which has neither of these bounds
    "whole": spaces.Box(-1, 1, (2,), np.int8),
    "bytes": spaces.Box(0, 255, (1,), np.uint8),
    "flags": spaces.Box(0, 1, (3,), np.bool_),
    "matrix": spaces.Box(-1, 1, (2, 3), np.float32),
    "one number": spaces.Box(-1, 1, (), np.float32),
}

COLOR, GRAY, FIRST = (SIDE, SIDE, 3), (SIDE, SIDE), (3, SIDE, SIDE)
IMAGES: dict[str, spaces.Box] = {
    "levels": spaces.Box(0, 255, COLOR, np.uint8),
    "gray": spaces.Box(0, 255, GRAY, np.uint8),
    "gray channel": spaces.Box(0, 255, (*GRAY, 1), np.uint8),
    "shares": spaces.Box(0, 1, COLOR, np.float32),
    "gray shares": spaces.Box(0, 1, GRAY, np.float64),
    "float levels": spaces.Box(0, 255, COLOR, np.float32),
    "whole levels": spaces.Box(0, 255, COLOR, np.int64),
    "bits": spaces.Box(0, 1, COLOR, np.uint8),
    "channel first": spaces.Box(0, 255, FIRST, np.uint8),
    "shares, channel first": spaces.Box(0, 1, FIRST, np.float32),
}

KEYS: dict[str, spaces.Space[Any]] = {
    "speed": spaces.Box(0, 99, (1,), np.float32),
    "scalar": spaces.Box(0, 99, (), np.float32),
    "double": spaces.Box(-np.inf, np.inf, (2, 2), np.float64),
    "gear": spaces.Discrete(4, start=1),
    "lights": spaces.MultiBinary(3),
    "levers": spaces.MultiDiscrete([2, 3]),
    "map": spaces.Box(0, 255, (7, 7, 3), np.uint8),
    "rear": spaces.Box(0, 255, COLOR, np.uint8),
    "depth": spaces.Box(0, 1, (1, SIDE, SIDE), np.float32),
}

INFOS = {
    "none": lambda t: {},
    "state": lambda t: {"state": {"x": 1.0}},
    "ragged": lambda t: {"points": np.zeros(t)},
    "unpicklable": lambda t: {"call": lambda: t},
    "success": lambda t: {"is_success": np.bool_(t % 2), "TimeLimit.truncated": t},
}


def refuse(age: int) -> None:
    """As a bare assert in somebody's environment does."""
    assert age != 3


@dataclass
class Truth:
    """One episode as the environment has it."""

    levels: list[NDArray[np.uint8]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    actions: list[Any] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    terminated: bool = False


class Odd(gym.Env[Any, Any]):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012

    def __init__(
        self,
        render_mode: str | None = None,
        *,
        actions: str = "discrete",
        image: str = "levels",
        keys: tuple[str, ...] = (),
        info: str = "none",
        length: int = 6,
        reuse: bool = True,
        spoil: bool = True,
        pays: bool = True,
        truth: str | None = None,
    ) -> None:
        self.render_mode, self.action_space = render_mode, ACTIONS[actions]
        self._image, self._keys, self._info, self._length = IMAGES[image], keys, info, length
        extra = {key: KEYS[key] for key in keys}
        self.observation_space = (
            spaces.Dict({"camera": self._image, **extra}) if keys else self._image
        )
        self._spoil, self._reuse, self._pays = spoil, reuse, pays
        self._buffer = np.zeros(self._image.shape, self._image.dtype)
        self._screen = np.zeros(COLOR, np.uint8)
        self._seed, self._episode, self.age = 0, -1, 0
        self._truth = None if truth is None else Path(truth) / f"{os.getpid()}-{id(self)}"

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:
            self._seed, self._episode = seed, -1
        self._episode, self.age = self._episode + 1, 0
        observation = self._observe()
        self._note("reset", self.levels, self._extra())
        return observation, INFOS[self._info](0)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        given, self.age = np.array(action), self.age + 1
        if self._spoil and isinstance(action, np.ndarray) and action.ndim:
            action[...] = 0  # as those who scale it in place
        length = self._length + self._episode % 3
        over, reward = self.age >= length, float(self.age) if self._pays else 0.0
        observation = self._observe()
        self._note("step", given, self.levels, self._extra(), reward, over)
        return observation, reward, over, False, INFOS[self._info](self.age)

    def render(self) -> NDArray[np.uint8]:
        self._screen[:] = self.levels
        return self._screen if self._reuse else self._screen.copy()

    @property
    def levels(self) -> NDArray[np.uint8]:
        """The picture in grey levels, (SIDE, SIDE, 3); of a gray one all channels are equal."""
        generator = np.random.default_rng([self._seed, self._episode, self.age])
        is_gray = len(self._image.shape) == 2 or self._image.shape[-1] == 1
        noise = generator.integers(0, 256, (SIDE, SIDE, 1 if is_gray else 3), np.uint8)
        if self._image.dtype == np.uint8 and self._image.high.max() == 1:
            noise = np.where(noise > 127, 255, 0).astype(np.uint8)
        return np.broadcast_to(noise, COLOR)

    def _extra(self) -> dict[str, Any]:
        extra = {}
        for key in self._keys:
            space = copy.deepcopy(KEYS[key])
            space.seed(self._number(key))
            extra[key] = space.sample()
        return extra

    def _number(self, key: str) -> int:
        return sum(map(ord, key)) + 7 * self._seed + 1_009 * self._episode + 31 * self.age

    def _observe(self) -> Any:
        image: NDArray[Any] = self.levels
        if self._image.shape[0] == 3:
            image = image.transpose(2, 0, 1)
        elif len(self._image.shape) == 2:
            image = image[..., 0]
        elif self._image.shape[-1] == 1:
            image = image[..., :1]
        white = 255 if (self._image.high == 255).all() else 1
        told = image if white == 255 else image.astype(np.float64) / 255
        self._buffer[...] = told
        shown = self._buffer if self._reuse else self._buffer.copy()
        if not self._keys:
            return shown
        return {"camera": shown, **self._extra(), "debug": "a key that the space does not name"}

    def _note(self, *event: Any) -> None:
        if self._truth is not None:
            with self._truth.open("ab") as file:
                pickle.dump(event, file)


def read_truth(folder: Path) -> list[Truth]:
    """All episodes of all environments that wrote into `folder`, also those of one step or none."""
    return [truth for path in sorted(folder.iterdir()) for truth in _episodes(path)]


def _episodes(path: Path) -> Iterator[Truth]:
    truth: Truth | None = None
    for kind, *event in _events(path):
        if kind == "reset":
            if truth is not None:
                yield truth
            truth = Truth(levels=[event[0]], keys=[event[1]])
            continue
        assert truth is not None
        action, levels, keys, reward, truth.terminated = event
        truth.actions.append(action)
        truth.levels.append(levels)
        truth.keys.append(keys)
        truth.rewards.append(reward)
    if truth is not None:
        yield truth


def _events(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        while file.peek(1):  # type: ignore[attr-defined]
            yield pickle.load(file)


class Asserts(Odd):
    def __init__(self, render_mode: str | None = None) -> None:
        assert render_mode == "human"


@state_reader("odd/Read-")
def read_age(env: Odd) -> dict[str, int]:
    return {"age": env.age}


for name in ("Odd", "Read"):
    gym.register(f"odd/{name}-v0", entry_point=Odd, disable_env_checker=True)
