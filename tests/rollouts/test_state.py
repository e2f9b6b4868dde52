"""The recorded state is that of the recorded frame: first, middle and last ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worldvae.envs import EnvConfig, state_variables
from worldvae.envs.shapes import draw
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutConfig, RolloutStore, collect

CLOCK: dict[str, Any] = {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"}
# Large dots and fast ones meet often, so that many episodes end by arrival.
DOTS: dict[str, Any] = {
    "id": "worldvae/Dots-v0",
    "kwargs": {"size": 64, "speed": 0.15},
    "max_episode_steps": 25,
}


def collected(folder: Path, env: dict[str, Any], **rollouts: Any) -> RolloutStore:
    store = RolloutStore.create(folder, EnvConfig(**env))
    settings = {"frames": 600, "num_envs": 3, "policies": {"random": 1.0}, **rollouts}
    collect(store, RolloutConfig(**settings), seed=0)
    return store


@pytest.mark.parametrize("workers", ["sync", "async"])
@pytest.mark.parametrize("repeat", [1, 2])
def test_the_dot_is_where_the_state_says(tmp_path: Path, workers: str, repeat: int) -> None:
    store = collected(tmp_path, {**DOTS, "workers": workers, "action_repeat": repeat})
    names = [variable.name for variable in store.state_variables]
    assert names == ["agent.x", "agent.y", "goal.x", "goal.y"]
    for record in store.records:
        states = store.arrays(record)["state"]
        assert len(states) == record.length + 1
        for frame, state in zip(store.frames(record), states, strict=True):
            left, top = np.rint(state[:2] * 59).astype(int)
            white = np.argwhere((frame == 255).all(axis=2))
            assert white.min(axis=0).tolist() == [top, left]
            assert white.max(axis=0).tolist() == [top + 4, left + 4]
        arrived = np.linalg.norm(states[:, :2] - states[:, 2:], axis=1) < 0.1
        assert not arrived[1:-1].any()
        assert arrived[-1] == record.terminated
    ends = {record.terminated for record in store.records[:-3]}
    assert ends == {True, False}, "arrivals and time limits, both over an autoreset"
    assert len(store.records) > 20


def test_every_shape_is_that_of_its_factors(tmp_path: Path) -> None:
    store = collected(tmp_path, {"id": "worldvae/Shapes-v0", "workers": "async"})
    for record in store.records:
        for frame, factors in zip(
            store.frames(record), store.arrays(record)["state"].astype(int), strict=True
        ):
            assert (frame == draw(*factors)).all()


def test_atari_is_recorded_on_the_backend_that_shows_it(tmp_path: Path) -> None:
    pong = {"id": "ALE/Pong-v5", "workers": "sync", "frame": {"height": 32, "width": 32}}
    assert collected(tmp_path / "auto", pong).state_variables == ()
    store = collected(tmp_path / "always", pong, state="always")
    variables = state_variables(EnvConfig(**pong))
    assert store.state_variables == variables
    assert store.env.backend == "auto", "the task is the same"
    states = np.concatenate([store.arrays(record)["state"] for record in store.records])
    assert states.shape == (store.num_frames, len(variables))
    column = [variable.name for variable in variables].index("agent_localization.player_y")
    assert np.ptp(states[:, column]) > 0


def test_a_store_goes_on_without_a_state_and_with_it_again(tmp_path: Path) -> None:
    pong = {"id": "ALE/Pong-v5", "workers": "sync", "frame": {"height": 32, "width": 32}}
    collected(tmp_path, pong, frames=100, state="always")
    collected(tmp_path, pong, frames=200)
    store = collected(tmp_path, pong, frames=300, state="always")
    has_state = ["state" in store.arrays(record) for record in store.records]
    assert has_state == [True] * 3 + [False] * 3 + [True] * 3


def test_always_without_a_reader_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match=r"nothing reads the state of CartPole-v1; register"):
        collected(tmp_path, {"id": "CartPole-v1"}, state="always")


def test_what_an_environment_calls_its_state_is_not_recorded_unnamed(tmp_path: Path) -> None:
    store = collected(tmp_path, {**CLOCK, "id": "tests/Mute-v0"}, frames=100)
    assert store.state_variables == ()
    assert all("state" not in store.arrays(record) for record in store.records)
    assert not (tmp_path / "state.json").exists()


def test_a_reader_that_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collected(tmp_path, CLOCK, frames=100)
    readers = {"tests/Clock-": lambda env: {"age": float(env.age)}}
    monkeypatch.setattr("worldvae.envs.state._READERS", readers)
    with pytest.raises(WorldvaeError, match="'age' was discrete, and is now continuous"):
        collected(tmp_path, CLOCK, frames=200)
    monkeypatch.setattr("worldvae.envs.state._READERS", {})
    with pytest.raises(WorldvaeError, match="'age' was discrete, and is now absent"):
        collected(tmp_path, CLOCK, frames=200)
    assert RolloutStore(tmp_path).num_frames < 150
