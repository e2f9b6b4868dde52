from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from worldvae.envs import EnvConfig, state_variables
from worldvae.envs.dots import BusyDotsEnv, DotsEnv, read_busy_dots, read_dots

WHITE, RED = (255, 255, 255), (255, 64, 64)


def pixels(frame: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.intp]:
    """(K, 2) of (row, column)."""
    return np.argwhere((frame == color).all(axis=2))


@pytest.mark.parametrize("continuous", [False, True])
@pytest.mark.parametrize("kind", [DotsEnv, BusyDotsEnv])
def test_they_pass_gymnasiums_checker(kind: type[DotsEnv], continuous: bool) -> None:
    check_env(kind(continuous=continuous, render_mode="rgb_array"), skip_render_check=True)


def test_the_default_world_is_what_it_was() -> None:
    """Agents and encoders were trained on it: places, colours and rewards of seed 1, by hand."""
    env = DotsEnv()
    frame, _ = env.reset(seed=1)
    generator = np.random.default_rng(1)
    state = generator.random(4, np.float32)
    (left, top), (goal_left, goal_top) = np.rint(state * 35).astype(int).reshape(2, 2)
    expected = np.zeros((40, 40, 3), np.uint8)
    expected[goal_top : goal_top + 5, goal_left : goal_left + 5] = RED
    expected[top : top + 5, left : left + 5] = WHITE
    assert (frame == expected).all()


def test_it_pays_for_the_way() -> None:
    env = DotsEnv(size=33, dot=3, speed=0.1)
    env.reset(seed=1)
    before = np.linalg.norm(env.agent - env.goal)
    _, reward, terminated, _, _ = env.step(1)
    assert not terminated
    assert reward == pytest.approx(before - np.linalg.norm(env.agent - env.goal), abs=1e-6)


def test_it_ends_on_arrival() -> None:
    env = DotsEnv(continuous=True)
    env.reset(seed=0)
    rewards, terminated = [], False
    while not terminated:
        way = env.goal - env.agent
        _, reward, terminated, _, _ = env.step(way / max(abs(way).max(), 1e-6))
        rewards.append(reward)
    assert rewards[-1] > 1
    assert len(rewards) < 20


@pytest.mark.parametrize("kind", [DotsEnv, BusyDotsEnv])
def test_the_state_says_where_the_dot_is(kind: type[DotsEnv]) -> None:
    env = kind(size=40, dot=(2, 1), goal=False)
    frame, _ = env.reset(seed=0)
    for _ in range(50):
        state = read_dots(env)
        top, left = np.rint((state["agent.y"] * 39, state["agent.x"] * 38)).astype(int)
        assert pixels(frame, WHITE).tolist() == [[top, left], [top, left + 1]]
        frame, *_ = env.step(env.np_random.integers(5))


def test_without_a_goal_there_is_none() -> None:
    env = DotsEnv(goal=False)
    env.reset(seed=0)
    assert list(read_dots(env)) == ["agent.x", "agent.y"]
    env.agent = env.goal.copy()
    frame, reward, terminated, _, _ = env.step(0)
    assert (reward, terminated) == (0, False)
    assert len(pixels(frame, RED)) == 0


def test_variables_are_named_and_grouped() -> None:
    def groups(**config: Any) -> list[str]:
        return [variable.group for variable in state_variables(EnvConfig(**config))]

    assert groups(id="worldvae/Dots-v0") == ["agent", "agent", "goal", "goal"]
    assert groups(id="worldvae/BusyDots-v0") == ["agent"] * 2 + ["background"] * 2


def play(env: BusyDotsEnv, steps: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Frames (T, H, W, 3) and states (T, 4) of one long episode."""
    frames, states = [env.reset(seed=0)[0]], [list(read_busy_dots(env).values())]
    for _ in range(steps - 1):
        frames.append(env.step(env.np_random.integers(5))[0])
        states.append(list(read_busy_dots(env).values()))
    return np.array(frames), np.array(states)


def test_the_background_is_that_of_its_two_parameters_and_darker_than_the_dot() -> None:
    env = BusyDotsEnv()
    frames, states = play(env, 100)
    for frame, state in zip(frames, states, strict=True):
        env.light = state[2:]
        is_dot = (frame == WHITE).all(axis=2)
        assert is_dot.sum() == 2
        assert (env._background()[~is_dot] == frame[~is_dot]).all()
        assert frame[~is_dot].max() <= 0.8 * 255


def test_the_light_has_nearly_all_of_the_variance_and_the_dot_no_direction_of_its_own() -> None:
    """Principal components of 600 frames of as many episodes."""
    env = BusyDotsEnv()
    env.reset(seed=0)
    frames = np.array([env.reset()[0] for _ in range(600)]).reshape(600, -1)
    centered = frames - frames.mean(axis=0)
    variances = np.linalg.eigvalsh(centered @ centered.T)[::-1] / (centered**2).sum()
    assert variances[:2].sum() > 0.95
    assert variances[2] < 0.001


def test_the_light_changes_slowly_and_uses_its_whole_range() -> None:
    _, states = play(BusyDotsEnv(size=8), 4_000)
    light = states[:, 2:]
    assert light.min() >= 0
    assert light.max() <= 1
    assert np.abs(np.diff(light, axis=0)).max() < 0.3
    assert np.abs(np.diff(light, axis=0)).mean() == pytest.approx(
        0.05 * np.sqrt(2 / np.pi), rel=0.05
    ), "the mean step of a normal of deviation 0.05"
    assert np.ptp(light, axis=0).min() > 0.95


def test_the_texture_is_the_same_in_every_environment() -> None:
    one, other = gym.make("worldvae/BusyDots-v0"), gym.make("worldvae/BusyDots-v0")
    lit = [env.reset(seed=seed)[0].any(axis=2) for seed, env in enumerate((one, other))]
    assert (lit[0] != lit[1]).sum() <= 4, "only the two dots differ"
    assert 0.45 < lit[0].mean() < 0.55
