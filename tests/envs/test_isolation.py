"""What other people's environments do, and that it is right or one line: kind by kind."""

import re
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from tests.odd import ACTIONS, COLOR, KEYS, SIDE, Asserts, Odd, refuse
from worldvae.envs import EnvConfig, make_env, make_vec, state_reader, state_variables
from worldvae.envs.actions import EnvActions, agent_actions, one_hot
from worldvae.envs.make_raw import has_limit
from worldvae.envs.user_code import warn_once
from worldvae.errors import WorldvaeError
from worldvae.rollouts.policies import SmoothPolicy, draw_uniform

FRAME = {"height": SIDE, "width": SIDE}


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    warn_once.cache_clear()


def made(env: type[gym.Env[Any, Any]], **values: Any) -> EnvConfig:
    """The config of an environment that is registered for one test."""
    name = f"odd/{env.__name__}-v0"
    gym.registry.pop(name, None)
    gym.register(name, entry_point=env, disable_env_checker=True)
    return EnvConfig(**{"id": name, "frame": FRAME, "workers": "sync", **values})


def odd(**kwargs: Any) -> EnvConfig:
    values = {key: kwargs.pop(key) for key in ("image_key", "pixels") if key in kwargs}
    config = {"id": "odd/Odd-v0", "import": "tests.odd", "frame": FRAME, "workers": "sync"}
    return EnvConfig(**config, kwargs=kwargs, **values)


def one_line(error: pytest.ExceptionInfo[WorldvaeError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# --- actions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIONS)
def test_a_policy_acts_in_floats_or_choices_from_zero(name: str) -> None:
    space = make_env(odd(actions=name)).action_space
    if isinstance(space, spaces.Discrete):
        assert space.start == 0
    else:
        assert isinstance(space, spaces.Box)
        assert len(space.shape) == 1
        assert np.issubdtype(space.dtype, np.floating)


class Wide(Odd):
    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        largest = np.finfo("f4").max
        self.action_space = spaces.Box(-largest, largest, (2,), np.float32)


class WideWhole(Odd):
    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.action_space = spaces.Box(-(2**31), 2**31 - 1, (2,), np.int32)


class WideBelow(Odd):
    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.action_space = spaces.Box(-(2**31), 10, (2,), np.int32)


class Nothing(Odd):
    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.action_space = spaces.Box(-1, 1, (0,), np.float32)


def test_whole_numbers_that_float32_cannot_tell_apart_are_drawn_and_given() -> None:
    space = spaces.Box(0, 2**24 + 3, (50,), np.int32)
    drawn = draw_uniform(space, 200, np.random.default_rng(0))
    drawn[0] = 2**24 + 3
    assert np.array_equal(EnvActions(space).batch(agent_actions(drawn, space)), drawn)


@pytest.mark.parametrize("space", [ACTIONS["flags"], ACTIONS["whole"], ACTIONS["bytes"]])
def test_random_play_is_uniform_over_whole_numbers(space: spaces.Box) -> None:
    low, high = (float(bound.max()) for bound in (space.low, space.high))
    drawn = draw_uniform(space, 6_000, np.random.default_rng(0)).astype(float)
    shares = (drawn - low) / (high - low)
    assert shares.mean() == pytest.approx(0.5, abs=0.02)
    assert ((shares == 0).mean(), (shares == 1).mean()) == pytest.approx(
        (1 / (high - low + 1),) * 2, rel=0.15, abs=0.002
    )
    smooth = SmoothPolicy(space, np.random.default_rng(0), 0.5)
    played = np.stack([smooth(None, np.zeros(4, bool)) for _ in range(500)]).astype(float)
    assert (played.min(), played.max()) == (low, high)
    assert (played.mean() - low) / (high - low) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("env", [Wide, WideWhole, WideBelow, Nothing])
def test_bounds_that_mean_none_are_refused(env: type[Odd]) -> None:
    with pytest.raises(WorldvaeError, match=r"bounded Box.*TransformAction") as error:
        make_env(made(env))
    assert f"odd/{env.__name__}-v0" in one_line(error)


@pytest.mark.parametrize(
    ("name", "action", "words"),
    [
        ("discrete", [1, 2], "expected one of Discrete"),
        ("discrete", 0.5, "action 0.5: expected 0 to 2"),
        ("discrete", np.nan, "action nan: expected one of"),
        ("box", [1.0, 2.0, 3.0], "expected one of Box"),
        ("box", ["a", "b"], "expected one of Box"),
        ("from five", 5, r"action 5: expected 0 to 2"),
        ("discrete", -1, r"action -1: expected 0 to 2"),
        ("box", [np.nan, 1], "not all are finite"),
        ("whole", [0, 1.6], "leaves Box"),
    ],
)
def test_an_action_outside_its_space_is_refused(name: str, action: Any, words: str) -> None:
    env = make_env(odd(actions=name))
    env.reset(seed=0)
    with pytest.raises(WorldvaeError, match=words) as error:
        env.step(np.array(action))
    one_line(error)


# --- what is an image ------------------------------------------------------------------------


class Layered(Odd):
    """Four gray frames in the place of colours; a display of its own for people."""

    def __init__(self, render_mode: str | None = None, shape: tuple[int, ...] = (*COLOR[:2], 4)):
        super().__init__(render_mode)
        self.observation_space = spaces.Box(0, 255, shape, np.uint8)

    def _observe(self) -> Any:
        return np.zeros(self.observation_space.shape, np.uint8)

    def render(self) -> Any:
        return np.full((50, 60, 3), 7, np.uint8)


@pytest.mark.parametrize("shape", [(SIDE, SIDE, 4), (4, SIDE, SIDE), (SIDE, SIDE, 3, 2)])
def test_what_may_be_no_image_is_rendered_and_that_is_said(shape: tuple[int, ...]) -> None:
    words = re.escape(f"frames: render(), since the observation (of shape {shape}, uint8) is no")
    with pytest.warns(UserWarning, match=words):
        env = make_env(made(Layered, kwargs={"shape": shape}))
    assert (env.reset(seed=0)[0] == 7).all()


class Bright(Odd):
    """Says that its image is in shares of white."""

    def __init__(self, render_mode: str | None = None, level: str = "1") -> None:
        super().__init__(render_mode, image="shares")
        self._level = float(level)

    def _observe(self) -> Any:
        return np.full(COLOR, self._level, np.float32)


@pytest.mark.parametrize("level", ["255", "-1", "nan", "inf"])
def test_an_image_that_is_not_as_its_space_says_is_one_line(level: str) -> None:
    env = make_env(made(Bright, kwargs={"level": level}))
    with pytest.raises(WorldvaeError, match=r"has values from .*, where its space says 0 to 1"):
        env.reset(seed=0)


def test_rounding_is_no_fault() -> None:
    env = make_env(made(Bright, kwargs={"level": "1.0000005"}))
    assert (env.reset(seed=0)[0] == 255).all()


def test_that_frames_are_rendered_is_said_once_and_not_by_workers(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.warns(UserWarning, match="frames: render") as said:
        make_vec(made(Layered, workers="async"), 3, seed=0).close()
    assert len(said) == 1
    assert "render()" not in capfd.readouterr().err


def test_nothing_is_said_where_rendering_was_asked_for() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_env(made(Layered, pixels="render"))


@pytest.mark.parametrize("pixels", ["auto", "render"])
def test_keys_that_no_agent_is_given_are_named(pixels: str) -> None:
    with pytest.warns(UserWarning, match="no agent is given camera, speed") as said:
        make_env(odd(keys=["speed"], pixels=pixels))
    forgotten = "env.image_key is not set (it could be camera)"
    assert (forgotten in str(said[0].message)) == (pixels == "auto")


def test_a_key_that_holds_no_image_is_refused() -> None:
    with pytest.raises(WorldvaeError, match=r"'speed' holds .* no image; .*: camera") as error:
        make_env(odd(keys=["speed"], image_key="speed"))
    one_line(error)


def test_an_observation_without_keys_is_not_asked_for_one() -> None:
    with pytest.raises(WorldvaeError, match=r"image_key = 'camera': .* no keys"):
        make_env(odd(image_key="camera"))


# --- keys beside the image -------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_floats_or_further_images(key: str) -> None:
    env = make_env(odd(keys=[key], image_key="camera"))
    obs, _ = env.reset(seed=0)
    assert set(obs) == {"camera", key}, "what the space does not name is left out"
    assert env.observation_space.contains(obs)
    if key in {"rear", "depth"}:
        assert obs[key].shape == (SIDE, SIDE, 3 if key == "rear" else 1)
        assert obs[key].dtype == np.uint8
    else:
        assert obs[key].ndim == 1
        assert obs[key].dtype == np.float32


class Spoken(Odd):
    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode, keys=("speed",))
        parts = dict(self.observation_space.spaces)  # type: ignore[attr-defined]
        self.observation_space = spaces.Dict({**parts, "words": spaces.Text(5)})


def test_a_key_that_no_policy_takes_is_refused_when_the_environment_is_made() -> None:
    with pytest.raises(WorldvaeError, match="words is neither Box nor Discrete") as error:
        make_env(made(Spoken, image_key="camera"))
    one_line(error)


def test_what_no_policy_is_given_need_not_be_copied() -> None:
    """A text, and with it what cannot be copied, beside a frame that is rendered."""

    class Odds(Odd):
        def __init__(self, render_mode: str | None = None) -> None:
            super().__init__(render_mode)
            self.observation_space = spaces.Tuple([spaces.Text(5), self._image])

        def _observe(self) -> Any:
            return threading.Lock(), self.levels

    env = make_env(made(Odds, pixels="render"))
    assert np.array_equal(env.reset(seed=0)[0], env.unwrapped.levels)


BESIDE: list[tuple[spaces.Space[Any], Any]] = [
    (spaces.Discrete(4, start=1), 0),
    (spaces.Discrete(4), -1),
    (spaces.Discrete(4), 4),
    (spaces.Discrete(4), 1.5),
    (spaces.Discrete(4), [1, 2]),
    (spaces.Discrete(4), None),
    (spaces.MultiDiscrete([2, 3]), [2, 0]),
    (spaces.MultiDiscrete([2, 3]), [1, 3]),
    (spaces.MultiBinary(3), [7, 0, 1]),
    (spaces.MultiBinary(3), [1, 0]),
    (spaces.Box(-128, 127, (1,), np.int8), np.array([300])),
    (spaces.Box(0, 255, (1,), np.uint8), np.array([300], np.uint16)),
    (spaces.Box(-1, 1, (1,), np.float32), np.array([1e300])),
    (spaces.Box(-1, 1, (1,), np.float32), "far"),
]


@pytest.mark.parametrize(("space", "value"), BESIDE)
def test_a_key_that_leaves_its_space_is_one_line(space: spaces.Space[Any], value: Any) -> None:
    class Beside(Odd):
        def __init__(self, render_mode: str | None = None) -> None:
            super().__init__(render_mode)
            self.observation_space = spaces.Dict({"camera": self._image, "extra": space})

        def _observe(self) -> Any:
            return {"camera": self.levels, "extra": value}

    env = make_env(made(Beside, image_key="camera"))
    words = r"odd/Beside-v0: reset\(\): the observation's extra .*, its space says"
    with pytest.raises(WorldvaeError, match=words) as error:
        env.reset(seed=0)
    one_line(error)


@pytest.mark.parametrize("value", [2, 2.0, np.int32(2), np.array(2.0), np.array([2, 3])[0]])
def test_a_key_may_be_told_in_any_type_that_holds_it(value: Any) -> None:
    class Told(Odd):
        def __init__(self, render_mode: str | None = None) -> None:
            super().__init__(render_mode)
            self.observation_space = spaces.Dict(
                {"camera": self._image, "extra": spaces.Discrete(4, start=1)}
            )

        def _observe(self) -> Any:
            return {"camera": self.levels, "extra": value}

    env = make_env(made(Told, image_key="camera"))
    assert env.reset(seed=0)[0]["extra"].tolist() == [0, 1, 0, 0]


class Broken(Odd):
    """Does once what `fault` says, at its third step."""

    def __init__(self, render_mode: str | None = None, fault: str = "") -> None:
        super().__init__(render_mode, keys=("speed",) if fault in {"nan key", "no key"} else ())
        self._fault = fault

    def step(self, action: Any) -> Any:
        obs, reward, terminated, truncated, info = super().step(action)
        fault = self._fault if self.age == 3 else ""
        if fault in {"nan key", "no key"}:
            obs["speed"] = np.array([np.nan], np.float32)
            if fault == "no key":
                del obs["speed"]
        faulty: dict[str, Any] = {
            "nan": (obs, float("nan"), terminated, truncated, info),
            "infinite": (obs, np.inf, terminated, truncated, info),
            "none": (obs, None, terminated, truncated, info),
            "two": (obs, np.ones((2, 2)), terminated, truncated, info),
            "vast": (obs, 10**400, terminated, truncated, info),
            "huge": (obs, 1e39, terminated, truncated, info),
            "text": (obs, reward, "False", truncated, info),
            "agents": (obs, reward, terminated, {"__all__": False}, info),
            "flags": (obs, reward, np.array([False, False]), truncated, info),
            "old": (obs, reward, terminated, info),
        }
        if fault in {"type", "shape"}:
            obs = obs / 255 if fault == "type" else obs[:8]
        if fault == "assert":
            refuse(self.age)
        if fault == "divides":
            return 1 / 0
        if fault == "unpacks":
            _, _ = self.levels.shape
        if fault == "forgets":
            return None
        return faulty.get(fault, (obs, reward, terminated, truncated, info))


FAULTS = {
    "nan": r"odd/Broken-v0: step\(\) gave the reward nan; it has to be a finite number",
    "infinite": r"odd/Broken-v0: step\(\) gave the reward inf",
    "none": r"odd/Broken-v0: step\(\) gave the reward None",
    "two": r"odd/Broken-v0: step\(\) gave the reward array",
    "vast": r"odd/Broken-v0: step\(\) gave the reward 1000",
    "huge": r"odd/Broken-v0: step\(\) gave the reward 1e\+39",
    "text": r"odd/Broken-v0: step\(\) gave terminated = 'False'; it has to be True or False",
    "agents": r"odd/Broken-v0: step\(\) gave truncated = \{'__all__': False\}",
    "flags": r"odd/Broken-v0: step\(\) gave terminated = array",
    "unpacks": r"step\(\) failed: ValueError: too many values .* \(.*test_isolation.py, line \d+\)",
    "forgets": r"odd/Broken-v0: step\(\) has to return",
    "old": r"odd/Broken-v0: step\(\) has to return \(observation, reward, terminated, truncated",
    "type": r"odd/Broken-v0: step\(\): the observation is float64 with .* space says uint8",
    "shape": r"odd/Broken-v0: step\(\): the observation has the shape \(8, .*, its space says",
    "nan key": r"odd/Broken-v0: the observation's speed is \[nan\]: not all finite",
    "no key": r"odd/Broken-v0: step\(\): the observation lacks speed",
    "assert": r"step\(\) failed: AssertionError: assert age != 3 \(.*odd.py, line",
    "divides": r"step\(\) failed: ZeroDivisionError: .* \(.*test_isolation.py, line \d+\)",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("limit", [None, 20])
def test_a_step_that_breaks_the_contract_is_one_line(fault: str, limit: int | None) -> None:
    """Also where a wrapper of Gymnasium's, here its limit of time, is the first to stumble."""
    key = "camera" if fault in {"nan key", "no key"} else None
    kwargs = {"fault": fault}
    env = make_env(made(Broken, kwargs=kwargs, image_key=key, max_episode_steps=limit))
    env.reset(seed=0)
    env.step(0)
    env.step(0)
    with pytest.raises(WorldvaeError, match=FAULTS[fault]) as error:
        env.step(0)
    one_line(error)


def test_a_fault_in_a_process_of_its_own_is_the_same_line() -> None:
    vec = make_vec(made(Broken, kwargs={"fault": "nan"}, workers="async"), 2, seed=0)
    vec.reset()
    vec.step(np.zeros(2, int))
    vec.step(np.zeros(2, int))
    with pytest.raises(WorldvaeError, match=FAULTS["nan"]):
        vec.step(np.zeros(2, int))
    vec.close()


@pytest.mark.parametrize("reward", [2, 2.0, np.float32(2), np.array([2.0]), np.array(2), True])
def test_a_reward_is_a_number_however_it_is_told(reward: Any) -> None:
    class Pays(Odd):
        def step(self, action: Any) -> Any:
            obs, _, *rest = super().step(action)
            return obs, reward, *rest

    env = make_env(made(Pays))
    env.reset(seed=0)
    told = env.step(0)[1]
    assert type(told) is float
    assert told == (1 if reward is True else 2)


class OldReset(Odd):
    def reset(self, **_: Any) -> Any:
        return super().reset()[0]


def test_an_old_reset_is_one_line() -> None:
    with pytest.raises(WorldvaeError, match=r"reset\(\) has to return \(observation, info\)"):
        make_env(made(OldReset)).reset()


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (True, True),
        (np.bool_(False), False),
        (1, True),
        (0.0, False),
        (np.array(True), True),
        (np.array([0]), False),
        (torch.tensor(True), True),
        ([True], True),
        (0.5, None),
        (np.nan, None),
        (None, None),
        ("yes", None),
        (np.ones(2), None),
    ],
)
def test_success_may_be_told_in_many_ways(told: Any, kept: bool | None) -> None:
    class Tells(Odd):
        def step(self, action: Any) -> Any:
            return *super().step(action)[:4], MappingProxyType({"is_success": told})

    env = make_env(made(Tells))
    env.reset(seed=0)
    assert env.step(0)[4].get("is_success") is kept


class Fails(Odd):
    """Closes in a way of its own."""

    def __init__(self, render_mode: str | None = None, leaves: bool = False) -> None:
        super().__init__(render_mode)
        self._leaves = leaves

    def close(self) -> None:
        if self._leaves:
            sys.exit(0)
        raise RuntimeError("closed twice")


@pytest.mark.parametrize(
    ("leaves", "words"), [(True, "SystemExit"), (False, "RuntimeError: closed twice")]
)
def test_a_close_that_fails_ends_nothing(leaves: bool, words: str) -> None:
    with pytest.warns(UserWarning, match=rf"odd/Fails-v0: close\(\) failed: {words}"):
        make_vec(made(Fails, kwargs={"leaves": leaves}), 2, seed=0).close()


class Unready(Odd):
    @property
    def observation_space(self) -> Any:
        raise NotImplementedError("later")

    @observation_space.setter
    def observation_space(self, _: Any) -> None:
        pass


def test_spaces_that_cannot_be_read_are_one_line() -> None:
    with pytest.raises(
        WorldvaeError, match=r"its spaces cannot be read: NotImplementedError: later"
    ):
        make_env(made(Unready))


class Growing(Odd):
    """Has one action more in each episode, from the one that `changes` on; else the same anew."""

    def __init__(self, render_mode: str | None = None, changes: int = 99) -> None:
        super().__init__(render_mode)
        self._begun, self._changes = 0, changes

    def reset(self, **arguments: Any) -> Any:
        self._begun += 1
        self.action_space = spaces.Discrete(3 + (self._begun >= self._changes))
        return super().reset(**arguments)


@pytest.mark.parametrize("changes", [1, 2])
def test_actions_that_change_with_an_episode_are_one_line(changes: int) -> None:
    env = make_env(made(Growing, kwargs={"changes": changes}))
    for _ in range(1, changes):
        env.reset(seed=0)
    words = r"reset\(\) changed its action space from Discrete\(3\) to Discrete\(4\), and an agent"
    with pytest.raises(WorldvaeError, match=words) as error:
        env.reset()
    one_line(error)


def test_a_space_that_is_made_anew_in_each_episode_is_the_same() -> None:
    env = make_env(made(Growing))
    env.reset(seed=0)
    env.reset()


class Confused(Odd):
    """Its reader fails."""


@state_reader("odd/Confused-")
def read_nothing(env: Any) -> Any:
    return {"speed": env.no_such_thing}


def test_a_reader_that_fails_is_one_line_wherever_it_is_asked() -> None:
    words = r"the state reader of odd/Confused-v0 failed: AttributeError.*test_isolation.py, line"
    with pytest.raises(WorldvaeError, match=words):
        state_variables(made(Confused))
    with pytest.raises(WorldvaeError, match=words):
        make_env(made(Confused)).reset(seed=0)


def test_whether_it_succeeded_is_all_that_is_kept_of_infos() -> None:
    env = make_env(odd(info="success"))
    assert env.reset(seed=0)[1] == {"is_success": False}
    assert env.step(0)[4] == {"is_success": True}


# --- ids, arguments, constructors -------------------------------------------------------------


def test_an_id_may_name_its_module() -> None:
    config = EnvConfig(id="tests.odd:odd/Odd-v0")
    assert (config.id, config.import_) == ("odd/Odd-v0", "tests.odd")
    assert EnvConfig(**{"id": "tests.odd:odd/Odd-v0", "import": "tests.odd"}) == config
    with pytest.raises(ValueError, match=r"names the module tests\.odd, import names math"):
        EnvConfig(**{"id": "tests.odd:odd/Odd-v0", "import": "math"})


def test_an_id_without_a_version_is_the_newest_and_that_is_said() -> None:
    for version in (0, 3):
        gym.register(f"odd/Aged-v{version}", entry_point=Odd, kwargs={"length": version + 1})
    with pytest.warns(UserWarning, match="taken as odd/Aged-v3, the newest version"):
        env = make_env(EnvConfig(id="odd/Aged", frame=FRAME))
    env.reset(seed=0)
    assert [env.step(0)[2] for _ in range(4)] == [False] * 3 + [True]
    with pytest.warns(UserWarning, match="taken as CarRacing-v3"):
        assert make_env(EnvConfig(id="CarRacing")).action_space.shape == (2,)


class Tuples(Odd):
    def __init__(self, render_mode: str | None = None, size: Any = (SIDE, SIDE), parts: Any = None):
        super().__init__(render_mode)
        self._shape = size + (3,)  # noqa: RUF005  # as many do, to whom a list is an error
        assert parts is None or isinstance(parts["limits"], tuple)


class Lists(Odd):
    def __init__(self, render_mode: str | None = None, waypoints: Any = ()):
        super().__init__(render_mode)
        waypoints.append(5)


def test_lists_are_tuples_where_tuples_are_wanted_and_stay_ours() -> None:
    kwargs = {"size": (SIDE, SIDE), "parts": {"limits": [1, 2]}}
    assert make_env(made(Tuples, kwargs=kwargs)).unwrapped._shape == COLOR
    config = made(Lists, kwargs={"waypoints": [1]})
    make_env(config)
    assert config.kwargs == {"waypoints": [1]}, "what the environment does to it is its own"
    assert make_env(EnvConfig(id="ALE/Pong-v5", kwargs={"frameskip": [2, 5]})).reset()


class Both(Odd):
    def __init__(
        self, render_mode: str | None = None, size: Any = (), goals: Any = (), late: Any = ()
    ):
        super().__init__(render_mode)
        self.shape = size + (3,)  # noqa: RUF005
        goals.append(1)
        self.late = late


def test_each_list_is_a_tuple_where_one_is_wanted_and_what_was_a_tuple_stays_one() -> None:
    kwargs = {"size": [SIDE, SIDE], "goals": [0], "late": (1, 2)}
    env: Any = make_env(made(Both, kwargs=kwargs)).unwrapped
    assert env.shape == COLOR
    assert env.late == (1, 2)
    stored = EnvConfig.model_validate_json(made(Both, kwargs=kwargs).model_dump_json(by_alias=True))
    assert not stored.other_task(made(Both, kwargs=kwargs)), "in files it is a list"


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"tiles": {1: "wall"}}, "keys of mappings have to be text"),
        ({"speed": float("nan")}, "a file has to hold them"),
        ({"max_episode_steps": 3}, r"env\.max_episode_steps"),
    ],
)
def test_arguments_that_a_file_would_change_are_refused(kwargs: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EnvConfig(kwargs=kwargs)


class Picky(Odd):
    """Its error names all its arguments, render_mode too; the mode is kept for the second try."""

    def __init__(self, render_mode: str | None = None, limits: Any = ()) -> None:
        super().__init__(render_mode)
        if not isinstance(limits, tuple):
            raise TypeError(f"limits: expected a tuple, got {limits} (render_mode={render_mode})")


def test_a_second_try_leaves_out_only_what_the_first_was_refused_for() -> None:
    env = make_env(made(Picky, kwargs={"limits": [1]}, pixels="render"))
    assert env.render_mode == "rgb_array"
    assert env.reset(seed=0)[0].shape == COLOR


class Plain(gym.Env[Any, Any]):
    """The home-made kind: an image, no metadata, no render_mode, no render()."""

    observation_space = spaces.Box(0, 255, COLOR, np.uint8)
    action_space = spaces.Discrete(2)

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        return self.observation_space.sample(), 0.0, False, False, {}


class WithMetadata(Plain):
    metadata = {"render_modes": ["human"], "render_fps": 5}  # noqa: RUF012


@pytest.mark.parametrize("env", [Plain, WithMetadata])
@pytest.mark.parametrize("kwargs", [{}, {"speed": 2.0}])
def test_who_shows_images_needs_no_render_mode(env: type[Plain], kwargs: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        world = make_env(made(env, kwargs=kwargs))
    assert world.reset(seed=0)[0].shape == COLOR
    assert world.unwrapped.speed == kwargs.get("speed", 1.0)


class Human(WithMetadata):
    """Gymnasium's own template."""

    def __init__(self, render_mode: str | None = None, speed: float = 1.0) -> None:
        super().__init__(speed)
        assert render_mode is None or render_mode in self.metadata["render_modes"]


class Wraps(Plain):
    """Its own part is given what it does not know, whatever it is asked for."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__()
        Plain(render_mode="rgb_array")  # type: ignore[call-arg]


def test_a_template_that_shows_images_is_made_and_a_mistake_inside_is_told() -> None:
    assert make_env(made(Human)).reset(seed=0)[0].shape == COLOR
    with pytest.raises(WorldvaeError, match=r"render_mode.*test_isolation.py, line \d+\)") as error:
        make_env(made(Wraps))
    one_line(error)


class Sightless(Plain):
    observation_space = spaces.Box(0, 1, (3,), np.float32)  # type: ignore[assignment]


def test_who_shows_none_and_draws_none_is_refused() -> None:
    with (
        pytest.warns(UserWarning, match="no image"),
        pytest.raises(WorldvaeError, match="no render_mode 'rgb_array'"),
    ):
        make_env(made(Sightless))


class Exits(Odd):
    def __init__(self, render_mode: str | None = None) -> None:
        sys.exit(0)


class NoScreen(Odd):
    def render(self) -> Any:
        raise RuntimeError("an OpenGL platform library has not been loaded into this process")


@pytest.mark.parametrize(
    ("env", "words"),
    [
        (Asserts, r'AssertionError: assert render_mode == "human" \(.*odd.py, line'),
        (Exits, r"cannot be made: SystemExit: 0 \(.*test_isolation.py, line \d+\)"),
    ],
)
def test_an_error_in_a_constructor_shows_where(env: type[Odd], words: str) -> None:
    with pytest.raises(WorldvaeError, match=words) as error:
        make_env(made(env))
    one_line(error)


def test_without_a_screen_mujoco_is_told_what_to_set() -> None:
    env = make_env(made(NoScreen, pixels="render"))
    with pytest.raises(WorldvaeError, match="MUJOCO_GL=egl"):
        env.reset(seed=0)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "my_envs.py"
    sys.modules.pop("my_envs", None)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys\n\nsys.exit(0)\n", r"SystemExit: 0 \(.*my_envs\.py, line 3\)"),
        ("x = (\n", r"SyntaxError: .*my_envs\.py, line 1"),
        ("def f():\n    raise KeyError\n\nf()\n", r"KeyError: .*\(.*my_envs\.py, line 2\)"),
        ("import no_such_thing\n", r"No module named 'no_such_thing' \(.*my_envs\.py, line 1\)"),
    ],
)
def test_an_error_in_an_imported_module_shows_where(module: Path, code: str, words: str) -> None:
    module.write_text(code)
    with pytest.raises(WorldvaeError, match="cannot import 'my_envs'.*" + words) as error:
        make_env(EnvConfig(**{"id": "me/My-v0", "import": "my_envs"}))
    one_line(error)


SPOILS = """
import os, tempfile, warnings
import gymnasium, numpy, torch
from tests.odd import Odd

def spoil():
    os.chdir(tempfile.gettempdir())
    numpy.seterr(all="raise")
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    warnings.filterwarnings("ignore")

class Spoils(Odd):
    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        MADE

IMPORTED
gymnasium.register("me/Spoils-v0", entry_point=Spoils, disable_env_checker=True)
"""


@pytest.mark.parametrize("when", ["IMPORTED", "MADE"])
def test_what_is_of_the_whole_process_is_set_back(module: Path, when: str) -> None:
    """A filter of warnings would hide what is found, a folder would take what is written."""

    def settings() -> Any:
        shared = Path.cwd(), np.geterr(), list(warnings.filters)
        return *shared, torch.is_grad_enabled(), torch.get_default_dtype()

    gym.registry.pop("me/Spoils-v0", None)
    code = SPOILS.replace(when, "spoil()")
    module.write_text(code.replace("IMPORTED", "").replace("MADE", ""))
    words = "whole process: the working directory .*gradients False and .*float64; set back"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        before = settings()
        for _ in range(2):  # which is said once all the same
            make_env(EnvConfig(**{"id": "me/Spoils-v0", "import": "my_envs"})).close()
        assert settings() == before
    assert [bool(re.search(words, str(one.message))) for one in said] == [True]


def test_who_is_sure_to_end_is_known() -> None:
    assert has_limit(EnvConfig(id="CarRacing-v3"))
    assert has_limit(EnvConfig(id="ALE/Pong-v5"))
    assert not has_limit(EnvConfig(id="ALE/Pong-v5", kwargs={"max_num_frames_per_episode": None}))
    assert not has_limit(made(Odd))
    assert has_limit(made(Odd, max_episode_steps=5))


def test_the_seam_needs_no_module_of_ours() -> None:
    """Environments that are defined in a notebook have no file to show."""
    spirit = types.ModuleType("spirit")
    exec("def fail():\n    raise ValueError('gone')", spirit.__dict__)

    class Ghost(Odd):
        def render(self) -> Any:
            spirit.fail()

    env = make_env(made(Ghost, pixels="render"))
    with pytest.raises(WorldvaeError, match=r"render\(\) failed: ValueError: gone"):
        env.reset(seed=0)


@pytest.mark.parametrize(
    ("space", "given"),
    [
        (spaces.Discrete(3, start=1), [1, 0]),
        (spaces.Discrete(3), [2, 3]),
        (spaces.Discrete(3), [[0], [1]]),
        (spaces.Discrete(3), [0.5, 1.0]),
        (spaces.Discrete(3), [np.nan, 1.0]),
        (spaces.Box(-1, 1, (2,), np.int8), [[-0.5, 0.2]]),
        (spaces.Box(-1, 1, (2, 2), np.float32), [[0.5, 0.2, 0.1, 0.0]]),
        (spaces.Box(-1, 1, (2,), np.float32), [[0.5]]),
    ],
)
def test_actions_of_another_space_are_not_taken_for_the_environments(
    space: spaces.Space[Any], given: list[Any]
) -> None:
    """Such as those of an agent that practised in a dream, in an environment that nothing wraps."""
    with pytest.raises(WorldvaeError, match=r"not all are in .*make it with make_env"):
        agent_actions(np.array(given), space)


@pytest.mark.parametrize("given", [np.array([6.0, 5.0]), np.array([6, 5], np.int8)])
def test_choices_may_be_whole_numbers_of_any_type(given: NDArray[Any]) -> None:
    """As somebody's own rollouts hold them, and as `step` of `make_env` takes them."""
    chosen = agent_actions(given, spaces.Discrete(3, start=5))
    assert one_hot(chosen, 3).tolist() == [[0, 1, 0], [1, 0, 0]]
