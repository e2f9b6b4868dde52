from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.worlds import Clock
from worldvae.envs import EnvConfig, StateVariable, make_env, make_vec, shows_state, state_variables
from worldvae.envs.state import (
    _READERS,
    ShowState,
    first_difference,
    state_reader,
    why_no_state,
)
from worldvae.errors import WorldvaeError

CLOCK: dict[str, Any] = {"id": "tests/Clock-v0", "import": "tests.worlds"}


def show(reading: Any) -> ShowState:
    return ShowState(Clock(), lambda _: reading)


def test_the_group_is_what_stands_before_the_first_dot() -> None:
    names = ("agent.x", "agent.arm.x", "lives")
    groups = [StateVariable(name=name, discrete=True).group for name in names]
    assert groups == ["agent", "agent", ""]


def test_a_reading_is_a_vector_in_its_own_order() -> None:
    reading = {"b": np.int16(7), "a": 0.5, "c": True, "d": np.float32(0.25), "e": float("nan")}
    _, info = show(reading).reset(seed=0)
    assert info["state"].dtype == np.float64
    assert np.array_equal(info["state"], [7, 0.5, 1, 0.25, np.nan], equal_nan=True)


def test_the_state_is_read_once_a_decision_after_its_last_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []

    def reader(env: Clock) -> dict[str, int]:
        read.append(env.age)
        return {"age": env.age}

    monkeypatch.setitem(_READERS, "tests/Clock-", reader)
    env = make_env(EnvConfig(**CLOCK, action_repeat=2, kwargs={"spread": 0}))
    shown = [env.reset(seed=0)[1], *(env.step(0)[4] for _ in range(2))]
    assert [info["state"].tolist() for info in shown] == [[0], [2], [3]]
    assert read == [0, 2, 3]


@pytest.mark.parametrize("workers", ["sync", "async"])
def test_a_state_that_nobody_asks_for_is_not_read(workers: str) -> None:
    config = EnvConfig(**CLOCK, workers=workers)
    for state in (True, False):
        vec = make_vec(config, 2, seed=0, state=state)
        infos = [vec.reset()[1], *(vec.step(np.zeros(2, int))[4] for _ in range(9))]
        vec.close()
        assert any("final_info" in info for info in infos)
        finals = [info["final_info"] for info in infos if "final_info" in info]
        assert all(("state" in info) == state for info in [*infos, *finals])


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"x": "far"}, "'x' is 'far'.*finite numbers"),
        ({"x": None}, "'x' is None"),
        ({"x": np.zeros(1)}, r"'x' is array\(\[0\.\]\)"),
        ({"x": float("inf")}, "'x' is inf"),
        ({3: 1.0}, "3 is 1.0; names are text"),
        ([1.0, 2.0], r"returned \[1\.0, 2\.0\]; return"),
        ({}, r"returned \{\}"),
    ],
)
def test_what_is_no_state_is_one_line(reading: Any, message: str) -> None:
    with pytest.raises(WorldvaeError, match=f"state reader of .*{message}") as error:
        show(reading).reset(seed=0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ({"x": 0.0}, "'y' was discrete, and is now absent"),
        ({"x": 0.0, "y": 1, "z": 1}, "'z' was absent, and is now discrete"),
        ({"x": 0, "y": 1}, "'x' was continuous, and is now discrete"),
        ({"y": 1, "x": 0.0}, "the variables come in another order"),
    ],
)
def test_another_state_at_a_later_step_is_one_line(later: Mapping[str, Any], message: str) -> None:
    readings: list[Mapping[str, Any]] = [{"x": 0.0, "y": 1}, {"x": 2.0, "y": 3}, later]
    env = ShowState(Clock(), lambda _: readings.pop(0))
    env.reset(seed=0)
    env.step(0)
    with pytest.raises(WorldvaeError, match=message):
        env.step(0)


def test_no_difference_is_empty() -> None:
    variables = (StateVariable(name="x", discrete=False),)
    assert first_difference(variables, variables) == ""


def test_the_longest_prefix_reads_and_then_the_last_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worldvae.envs.state._READERS", {})
    config = EnvConfig(**CLOCK)
    make_env(config)  # the module is imported by now, and its own reader gone

    def names() -> list[str]:
        return [variable.name for variable in state_variables(config)]

    assert names() == []
    for prefix, name in (("tests/Clock-", "a"), ("tests/", "b"), ("tests/Clock-", "c")):
        state_reader(prefix)(lambda _, name=name: {name: 1})
    assert names() == ["c"]
    assert [v.name for v in state_variables(config.model_copy(update={"id": "tests/Mute-v0"}))] == [
        "b"
    ]


def test_rollouts_without_state_name_what_is_missing() -> None:
    collect = "collect into a new folder (--name) with rollouts.state: always"
    assert why_no_state("CarRacing-v3") == (
        f"the rollouts hold no true state, though CarRacing-v3 has a reader: {collect}"
    )
    assert why_no_state("me/Robot-v0") == (
        "the rollouts hold no true state, and me/Robot-v0 no reader: register one "
        f"(worldvae.envs.state_reader), then {collect}"
    )


def test_variables_of_a_config_and_none_without_a_reader() -> None:
    assert state_variables(EnvConfig(**CLOCK)) == (StateVariable(name="age", discrete=True),)
    assert state_variables(EnvConfig(id="CartPole-v1")) == ()
    env = make_env(EnvConfig(id="CartPole-v1"))
    assert "state" not in env.reset(seed=0)[1]


def test_native_backends_show_no_state() -> None:
    pong = EnvConfig(id="ALE/Pong-v5")
    assert not shows_state(pong)
    assert shows_state(pong.model_copy(update={"backend": "gymnasium"}))
    assert shows_state(EnvConfig(**CLOCK))


@pytest.mark.parametrize("workers", ["sync", "async"])
def test_n_environments_show_n_states(workers: str) -> None:
    vec = make_vec(EnvConfig(**CLOCK, workers=workers), 3, seed=0)
    _, info = vec.reset()
    assert info["state"].tolist() == [[0]] * 3
    obs, *_, info = vec.step(np.zeros(3, int))
    assert info["state"].tolist() == [[1]] * 3
    assert (obs[:, 0, 0, 0] == 10).all()
    vec.close()


@pytest.mark.filterwarnings("ignore:.*ERROR")  # Gymnasium tells of the worker's end besides
def test_a_mistake_of_a_reader_comes_out_of_a_worker_as_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = EnvConfig(**CLOCK, workers="async")

    def read(env: Clock) -> dict[str, Any]:
        return {"age": env.age} if env.age < 2 else {"old": env.age}

    monkeypatch.setattr("worldvae.envs.state._READERS", {"tests/Clock-": read})
    vec = make_vec(config, 2, seed=0)
    vec.reset()
    vec.step(np.zeros(2, int))
    with pytest.raises(WorldvaeError, match="'age' was discrete, and is now absent"):
        vec.step(np.zeros(2, int))
    vec.close(terminate=True)
