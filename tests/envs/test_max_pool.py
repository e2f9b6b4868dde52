"""Frames that are the brighter of a decision's last two steps."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from pydantic import ValidationError

from worldvae.envs import EnvConfig, FrameConfig, make_env
from worldvae.envs.wrappers import ActionRepeat, FrameObservation, MaxPooledRepeat
from worldvae.errors import ConfigError

POOLED = FrameConfig(max_pool=True)


class Blinking(gym.Env[Any, int]):
    """After step t the pixel t is 10 t bright, all others are black; the end comes with step 9."""

    observation_space = spaces.Box(0, 255, (4, 4), np.uint8)
    action_space = spaces.Discrete(2)

    def __init__(self) -> None:
        self.time = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.time = 0
        return self._drawn(), {}

    def step(self, action: int) -> Any:
        self.time += 1
        return self._drawn(), 1.0, self.time == 9, False, {"time": self.time}

    def _drawn(self) -> Any:
        image = np.zeros(16, np.uint8)
        image[self.time] = 10 * self.time
        return image.reshape(4, 4)


class OneArray(Blinking):
    """Draws every image into the same array, as games do that spare memory."""

    def __init__(self) -> None:
        super().__init__()
        self._array = np.zeros((4, 4), np.uint8)

    def _drawn(self) -> Any:
        self._array[:] = super()._drawn()
        return self._array


class BesideSpeed(gym.ObservationWrapper[Any, Any, Any]):
    """Shows the image in a Dict, beside a number that is not pooled."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.observation_space = spaces.Dict(
            {"image": env.observation_space, "speed": spaces.Box(-99, 99, (1,))}
        )

    def observation(self, observation: Any) -> Any:
        return {"image": observation, "speed": np.array([-self.env.unwrapped.time])}  # type: ignore[attr-defined]


def lit(image: Any) -> dict[int, int]:
    """Pixel -> its brightness, of those that are not black."""
    return {int(index): int(image.flat[index]) for index in np.flatnonzero(image)}


@pytest.mark.parametrize("kind", [Blinking, OneArray])
def test_the_last_two_steps_of_a_decision_are_seen_together(kind: type[Blinking]) -> None:
    env = MaxPooledRepeat(kind(), 4)
    assert lit(env.reset()[0]) == {}
    first, reward, *_ = env.step(0)
    assert lit(first) == {3: 30, 4: 40}
    assert reward == 4
    second, *_ = env.step(0)
    assert lit(second) == {7: 70, 8: 80}
    assert lit(first) == {3: 30, 4: 40}
    last, reward, terminated, _, info = env.step(0)
    assert lit(last) == {9: 90}, "of the one step that this decision has"
    assert (reward, terminated, info) == (1, True, {"time": 9})
    assert env.steps_per_decision == 4


def test_in_a_dict_the_image_alone_is_pooled() -> None:
    env = MaxPooledRepeat(BesideSpeed(Blinking()), 2, "image")
    env.reset()
    seen, *_ = env.step(0)
    assert lit(seen["image"]) == {1: 10, 2: 20}
    assert seen["speed"] == [-2]


def empty(max_pool: bool) -> float:
    """The share of a hundred decisions of Asteroids in which nothing is seen below the score."""
    skip = {"kwargs": {"frameskip": 1}, "action_repeat": 4} if max_pool else {}
    frame = FrameConfig(max_pool=max_pool)
    env = make_env(EnvConfig(id="ALE/Asteroids-v5", backend="gymnasium", frame=frame, **skip))
    env.reset(seed=0)
    env.action_space.seed(0)
    frames = np.array([env.step(env.action_space.sample())[0][8:] for _ in range(100)])
    env.close()
    return float((frames.max(axis=(1, 2, 3)) < 30).mean())


def test_a_game_that_draws_on_every_other_screen_is_seen() -> None:
    assert empty(max_pool=False) > 0.3
    assert empty(max_pool=True) == 0


def test_one_step_has_none_to_be_pooled_with() -> None:
    with pytest.raises(ValidationError, match="set action_repeat to 2 or more"):
        EnvConfig(frame=POOLED)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"id": "ALE/Pong-v5"}, "one screen of 4; set env.kwargs: {frameskip: 1}"),
        ({"id": "CartPole-v1"}, "those of CartPole-v1 are rendered, since the observation"),
    ],
)
def test_what_cannot_be_pooled_is_said(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=r"env\.frame\.max_pool: it pools") as caught:
        make_env(EnvConfig(action_repeat=4, frame=POOLED, **settings))
    assert problem in str(caught.value)


def test_frames_are_not_said_to_be_pooled_where_nothing_pools_them() -> None:
    with pytest.raises(ConfigError, match=r"wrap the environment in .*MaxPooledRepeat first"):
        FrameObservation(ActionRepeat(Blinking(), 2), POOLED)
    assert FrameObservation(MaxPooledRepeat(Blinking(), 2), POOLED).frame_config == POOLED


def test_agents_that_see_no_frame_need_none() -> None:
    config = EnvConfig(id="ALE/Pong-v5", action_repeat=4, frame=POOLED).without_frames()
    env = make_env(config)
    assert env.reset(seed=0)[0].max() == 0
    env.close()
