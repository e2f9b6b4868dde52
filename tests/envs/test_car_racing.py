"""CarRacing draws fewer frames, and nobody can tell."""

from typing import Any, cast

import gymnasium as gym
import numpy as np
import pygame
import pytest

from worldvae.envs import EnvConfig, make_env
from worldvae.envs.wrappers import ActionRepeat, FrameObservation, SteerThrottle

# 10 and 13 steps end within an action's repeats, 12 with them.
LIMITS = (10, 12, 13)


def always_drawn(config: EnvConfig) -> gym.Env[Any, Any]:
    """Gymnasium's own, with the same wrappers around it."""
    raw = gym.make(config.id, max_episode_steps=config.max_episode_steps)
    repeated = ActionRepeat(SteerThrottle(raw), config.action_repeat)
    return FrameObservation(repeated, config.frame)


@pytest.mark.parametrize("limit", LIMITS)
def test_steps_are_those_of_gymnasiums_own(limit: int) -> None:
    """Frames (with the score on them), rewards, ends: equal to the last bit, over two episodes."""
    config = EnvConfig(action_repeat=4, max_episode_steps=limit)
    ours, theirs = make_env(config), always_drawn(config)
    generator = np.random.default_rng(0)
    for seed in (0, 1):
        frames = [env.reset(seed=seed)[0] for env in (ours, theirs)]
        np.testing.assert_array_equal(*frames)
        ended = False
        while not ended:
            action = generator.uniform(-0.3, 1.0, 2).astype(np.float32)
            step, expected = ours.step(action), theirs.step(action)
            np.testing.assert_array_equal(step[0], expected[0])
            assert step[1:4] == expected[1:4]
            ended = step[2] or step[3]


def test_ground_is_drawn_alike_wherever_the_car_may_be() -> None:
    """On the road, in the grass, beyond the field; zoomed out as at the start, and not."""
    env = make_env(EnvConfig(action_repeat=4))
    env.reset(seed=0)
    car = cast(Any, env.unwrapped)
    generator = np.random.default_rng(0)
    for turn in range(40):
        angle = generator.uniform(-10, 10)
        zoom = generator.choice([0.6, 16.2])
        position = generator.uniform(-400, 400, 2) if turn % 2 else road_point(car, generator)
        scroll = pygame.math.Vector2(*(-position * zoom)).rotate_rad(angle)
        view = (zoom, (500 + scroll[0], 200 + scroll[1]), angle)
        ours, theirs = (ground(car, draw, view) for draw in (car._render_road, gymnasiums(car)))
        np.testing.assert_array_equal(ours, theirs)


def road_point(car: Any, generator: np.random.Generator) -> Any:
    polygon, _ = car.road_poly[generator.integers(len(car.road_poly))]
    return np.array(polygon[0], float)


def gymnasiums(car: Any) -> Any:
    return type(car)._render_road.__get__(car)


def ground(car: Any, draw: Any, view: Any) -> Any:
    car.surf = pygame.Surface((1000, 800))
    draw(*view)
    return pygame.surfarray.array3d(car.surf)


def test_a_frame_is_drawn_once_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = count_frames(monkeypatch)
    env = make_env(EnvConfig(action_repeat=4, max_episode_steps=10))
    env.reset(seed=0)
    drawn.clear()
    for _ in range(3):
        *_, truncated, _ = env.step(np.array([0.0, 0.5], np.float32))
    assert truncated
    assert len(drawn) == 3


def test_none_is_drawn_for_who_sees_none(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = count_frames(monkeypatch)
    env = make_env(EnvConfig(action_repeat=4, pixels="none"))
    env.reset(seed=0)
    drawn.clear()
    states = [env.step(np.array([0.0, 0.5], np.float32)) for _ in range(5)]
    assert not drawn
    assert all((obs == 0).all() and obs.shape == (64, 64, 3) for obs, *_ in states)
    speeds = [info["state"][2] for *_, info in states]
    assert speeds == sorted(speeds), "the car goes faster"
    assert speeds[-1] > speeds[0]


def count_frames(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fills with the mode of each frame that CarRacing draws from here on."""
    from gymnasium.envs.box2d.car_racing import CarRacing

    drawn: list[str] = []
    draw = CarRacing._render

    def counted(self: CarRacing, mode: str) -> Any:
        drawn.append(mode)
        return draw(self, mode)

    monkeypatch.setattr(CarRacing, "_render", counted)
    return drawn


def test_its_spec_makes_the_same_environment() -> None:
    env = make_env(EnvConfig(id="CarRacing-v3", action_repeat=3))
    again = gym.make(cast(Any, env.spec))
    (first, _), (second, _) = env.reset(seed=1), again.reset(seed=1)
    assert (first == second).all()
    action = np.array([0.1, 1.0], np.float32)
    (frame, reward, *_), (other, same, *_) = env.step(action), again.step(action)
    assert (frame == other).all()
    assert reward == same
    env.close()
    again.close()
