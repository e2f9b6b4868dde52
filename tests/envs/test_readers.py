"""Each reader against what its environment shows or is put into."""

from importlib.util import find_spec as find_module
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

from worldvae.envs import EnvConfig, make_env, readers, state, state_variables
from worldvae.envs.readers import read_car, read_grid, read_mujoco, read_ram, wrap_angle

RED = (200, 72, 72)  # of Breakout's paddle and ball
ATARI = ["Breakout", "MsPacman", "SpaceInvaders", "Pong", "PrivateEye"]


def names(env_id: str) -> list[str]:
    return [variable.name for variable in state_variables(EnvConfig(id=env_id))]


def test_the_wheel_has_the_addresses_beside_the_module() -> None:
    assert (Path(readers.__file__).parent / "atari_ram.json").exists()


@pytest.mark.parametrize("game", ATARI)
def test_atari_games_are_found_by_their_gymnasium_names(game: str) -> None:
    variables = state_variables(EnvConfig(id=f"ALE/{game}-v5"))
    assert {"agent_localization", "score_clock_lives_display"} <= {v.group for v in variables}
    assert all(variable.discrete for variable in variables)


def test_every_address_is_for_a_game_that_gymnasium_has() -> None:
    names("ALE/Pong-v5")  # imports what registers them
    known = [prefix for prefix in state._READERS if prefix.startswith("ALE/")]
    assert len(known) == 24
    assert all(f"{prefix}v5" in gym.registry for prefix in known)
    assert names("ALE/Alien-v5") == [], "AtariARI has no addresses for it"


def test_breakouts_bytes_say_where_paddle_and_ball_are_in_the_same_frame() -> None:
    config = EnvConfig(id="ALE/Breakout-v5", kwargs={"repeat_action_probability": 0.0})
    columns = names(config.id)
    player, ball_x, ball_y = (
        columns.index(name)
        for name in (
            "agent_localization.player_x",
            "small_object_localization.ball_x",
            "small_object_localization.ball_y",
        )
    )
    shown, paddles, balls = play_breakout(config, steps=300)
    seen = ~np.isnan(paddles)
    assert seen.sum() > 200
    assert np.ptp(shown[seen, player] - paddles[seen]) == 0, "a constant margin, and no delay"
    for column, axis in ((ball_y, 0), (ball_x, 1)):
        seen = ~np.isnan(balls[:, axis])
        assert seen.sum() > 50
        assert np.ptp(shown[seen, column] - balls[seen, axis]) <= 0.5


def play_breakout(
    config: EnvConfig, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """States (T, S), the paddle's middle (T,) and the ball's (T, 2) in the raw frames, or NaN."""
    env = make_env(config)
    generator = np.random.default_rng(0)
    env.reset(seed=0)
    shown, paddles, balls = [], [], []
    for step in range(steps):
        *_, info = env.step(1 if step % 20 == 0 else int(generator.choice([0, 2, 3])))
        red = (env.unwrapped.ale.getScreenRGB()[:, 8:152] == RED).all(axis=2)  # type: ignore[attr-defined]
        paddle = np.flatnonzero(red[189:193].all(axis=0))
        ball = np.argwhere(red[93:188])
        shown.append(info["state"])
        paddles.append(paddle.mean() if len(paddle) == 16 else np.nan)
        balls.append(ball.mean(axis=0) if 0 < len(ball) < 12 else np.full(2, np.nan))
    return np.array(shown), np.array(paddles), np.array(balls)


def test_ram_is_read_at_its_address() -> None:
    class Console:
        ale = property(lambda self: self)

        def getRAM(self) -> NDArray[np.uint8]:  # noqa: N802
            return np.arange(128, dtype=np.uint8)

    assert read_ram(Console(), {"a": 5, "b": 127}) == {"a": 5, "b": 127}


def test_angles_are_wrapped() -> None:
    assert [wrap_angle(angle) for angle in (0.5, 2 * np.pi + 0.5, 4.0)] == pytest.approx(
        [0.5, 0.5, 4 - 2 * np.pi]
    )


@pytest.fixture
def car() -> Any:
    env = gym.make("CarRacing-v3").unwrapped
    env.reset(seed=1)
    return env


def test_a_car_at_the_start_stands_on_the_centre_line(car: Any) -> None:
    state = read_car(car)
    assert state["road.offset"] == pytest.approx(0, abs=0.01)
    assert state["road.angle"] == pytest.approx(0, abs=0.01)
    assert state["car.speed"] < 1
    assert 0 < state["lap.visited"] < 0.1
    assert (state["car.x"], state["car.y"]) == pytest.approx(car.track[0][2:], abs=0.1)


def test_a_car_put_elsewhere_is_there(car: Any) -> None:
    """Three metres right of tile 40 and turned left by 0.3; the road is 40 / 3 metres wide."""
    _, heading, x, y = car.track[40]
    car.car.hull.position = (x + 3 * np.cos(heading), y + 3 * np.sin(heading))
    car.car.hull.angle = heading + 0.3 + 2 * np.pi
    car.car.hull.linearVelocity = (3, 4)
    state = read_car(car)
    assert state["road.offset"] == pytest.approx(3 / (40 / 3), abs=1e-4)
    assert state["road.angle"] == pytest.approx(0.3, abs=1e-4)
    assert state["car.speed"] == pytest.approx(5)
    for tiles in (5, 10):
        turn = car.track[40 + tiles][1] - heading
        assert state[f"road.turn_{tiles}"] == pytest.approx(wrap_angle(turn))


def test_a_car_steered_right_goes_right_of_the_line(car: Any) -> None:
    for action in [(0.0, 0.5, 0.0)] * 40 + [(1.0, 0.1, 0.0)] * 20:
        car.step(np.array(action))
    state = read_car(car)
    assert state["car.steering"] < -0.3
    assert state["road.angle"] < -0.1
    assert state["car.speed"] > 10
    left = car.car.hull.GetWorldVector((-1, 0))
    assert float(np.dot(left, (np.cos(car.track[0][1]), np.sin(car.track[0][1])))) < 0


def test_minigrid_agent_goal_and_load() -> None:
    env = gym.make(state_env("MiniGrid-DoorKey-5x5-v0")).unwrapped
    env.reset(seed=0)
    state = read_grid(env)
    goal = env.grid.get(state["goal.x"], state["goal.y"])  # type: ignore[attr-defined]
    assert goal.type == "goal"
    assert state["agent.carrying"] == 1, "MiniGrid's number for nothing"
    _, _, _, _, info = make_and_turn(EnvConfig(id="MiniGrid-DoorKey-5x5-v0"))
    assert info["state"][2] == (state["agent.direction"] + 1) % 4
    env.carrying = next(cell for cell in env.grid.grid if cell and cell.type == "key")  # type: ignore[attr-defined]
    assert read_grid(env)["agent.carrying"] == 5, "MiniGrid's number for a key"


def test_minigrid_key_and_door() -> None:
    env: Any = gym.make(state_env("MiniGrid-DoorKey-5x5-v0")).unwrapped
    env.reset(seed=0)
    state = read_grid(env)
    assert env.grid.get(state["key.x"], state["key.y"]).type == "key"
    door = env.grid.get(state["door.x"], state["door.y"])
    assert door.type == "door"
    assert (state["door.open"], state["ball.x"], state["box.y"]) == (0, -1, -1)
    door.is_open = True
    env.grid.set(state["key.x"], state["key.y"], None)  # picked up
    after = read_grid(env)
    assert (after["door.open"], after["key.x"], after["key.y"]) == (1, -1, -1)


def state_env(env_id: str) -> str:
    names(env_id)  # imports what registers it
    return env_id


def make_and_turn(config: EnvConfig) -> Any:
    env = make_env(config)
    env.reset(seed=0)
    return env.step(1)  # turns right


def test_a_grid_without_a_goal_says_minus_one() -> None:
    env = gym.make(state_env("BabyAI-GoToObj-v0")).unwrapped
    env.reset(seed=0)
    assert (read_grid(env)["goal.x"], read_grid(env)["goal.y"]) == (-1, -1)


def test_mujoco_positions_and_velocities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mujoco")
    monkeypatch.chdir(tmp_path)  # MuJoCo writes its log where it runs
    env = gym.make("HalfCheetah-v5").unwrapped
    env.reset(seed=0)
    env.step(np.ones(6))
    state = list(read_mujoco(env).values())
    assert state == [*env.data.qpos, *env.data.qvel]  # type: ignore[attr-defined]
    assert {variable.group for variable in state_variables(EnvConfig(id="HalfCheetah-v5"))} == {
        "qpos",
        "qvel",
    }


@pytest.mark.skipif(find_module("vizdoom") is None, reason="pip install 'worldvae[vizdoom]'")
def test_doom_variables_and_none_in_the_black_last_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # ViZDoom writes where it runs
    config = EnvConfig(id="VizdoomBasic-v1", image_key="screen")
    columns = names(config.id)
    assert columns == [
        f"player.{name}" for name in ("ammo2", "health", "position_x", "position_y", "angle")
    ]
    env = make_env(config)
    _, info = env.reset(seed=0)
    assert info["state"].tolist()[:2] == [50, 100]
    start, ended = info["state"][3], False
    while not ended:
        previous = info["state"]
        obs, _, terminated, truncated, info = env.step(2)
        ended = terminated or truncated
    assert previous[3] != start, "the second button moves the player sideways"
    assert np.isnan(info["state"]).all()
    assert not obs["screen"].any()
