"""The one line on an environment that fails names it once, whatever fails."""

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from tests.odd import COLOR, Odd
from worldvae.envs import EnvConfig, make_env, make_vec, state_reader
from worldvae.errors import WorldvaeError

ID = "tests/Failing-v0"


class Failing(Odd):
    """Fails at `when`."""

    def __init__(self, render_mode: str | None = None, when: str = "", why: str = "") -> None:
        super().__init__(render_mode)
        self._when, self._why = when, why
        if when == "spaces":
            self.action_space = spaces.Text(3)
        if when == "no image":
            self.observation_space = spaces.Box(0, 1, (3,), np.float32)
        if when == "constructor" or (when == "no image" and render_mode is not None):
            raise {"type": TypeError, "": RuntimeError}[why]("broken")

    def reset(self, **kwargs: Any) -> Any:
        self._fail("reset")
        returned = super().reset(**kwargs)
        return returned[0] if self._when == "old reset" else returned

    def step(self, action: Any) -> Any:
        self._fail("step")
        returned = super().step(action)
        return returned[:4] if self._when == "old step" else returned

    def render(self) -> Any:
        self._fail("render")
        drawn = {"no array": "a text", "no picture": np.zeros(4), "floats": np.zeros(COLOR)}
        return drawn.get(self._when, np.zeros(COLOR, np.uint8))

    def close(self) -> None:
        self._fail("close")

    def _fail(self, when: str) -> None:
        if self._when == when:
            raise RuntimeError("broken")

    def _observe(self) -> Any:
        shown = super()._observe()
        return shown[:8] if self._when == "observation" else shown


@state_reader(ID)
def read_failing(env: Failing) -> dict[str, float]:
    env._fail("state reader")
    return {"age": "old" if env._when == "state" else env.age}  # type: ignore[dict-item]


gym.register(ID, entry_point="tests.envs.test_names_of_failures:Failing", disable_env_checker=True)

WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "constructor": ({"when": "constructor"}, "RuntimeError: broken"),
    "arguments of the constructor": ({"when": "constructor", "why": "type"}, "TypeError: broken"),
    "an unknown argument": ({"speed": 3}, "unexpected keyword argument 'speed'"),
    "spaces": ({"when": "spaces"}, "actions must be"),
    "no image": ({"when": "no image"}, "RuntimeError: broken"),
    "reset": ({"when": "reset"}, "RuntimeError: broken"),
    "old reset": ({"when": "old reset"}, "has to return"),
    "step": ({"when": "step"}, "RuntimeError: broken"),
    "old step": ({"when": "old step"}, "has to return"),
    "observation": ({"when": "observation"}, "has the shape"),
    "state reader": ({"when": "state reader"}, "RuntimeError: broken"),
    "state": ({"when": "state"}, "'old'"),
    "close": ({"when": "close"}, "RuntimeError: broken"),
    "render": ({"when": "render", "pixels": "render"}, "RuntimeError: broken"),
    "no array": ({"when": "no array", "pixels": "render"}, "returns no array"),
    "no picture": ({"when": "no picture", "pixels": "render"}, "(4,)"),
    "floats": ({"when": "floats", "pixels": "render"}, "float64"),
}


def play(config: EnvConfig, is_alone: bool) -> set[str]:
    """What a few steps say of their environment: an error, or what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            env = make_env(config) if is_alone else make_vec(config, 1, seed=0)
            env.reset(seed=0)
            for _ in range(3):
                env.step(0 if is_alone else np.zeros(1, int))
            env.close()
        except WorldvaeError as error:
            return {str(error)}
    return {str(one.message) for one in caught}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "vector"])
def test_it_is_named_once(way: str, is_alone: bool) -> None:
    given, words = WAYS[way]
    kwargs = {**given}
    values = {"pixels": kwargs.pop("pixels", "auto"), "frame": {"height": 40, "width": 40}}
    (line,) = play(EnvConfig(id=ID, workers="sync", kwargs=kwargs, **values), is_alone)
    assert words in line
    assert line.count(ID) == 1
    assert "\n" not in line
