"""What breaks no contract but cannot be meant is said once, in one line with its fix."""

import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from worldvae.envs import EnvConfig, FrameConfig
from worldvae.rollouts import RolloutConfig, RolloutStore, collect

SMALL = RolloutConfig(frames=100, num_envs=2, policies={"random": 1.0})


class Hostile(gym.Env[Any, Any]):
    """Shows noise up to `white` and a key `speed` that begins at `first` and grows by `grows`."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self,
        render_mode: str | None = None,
        *,
        image: tuple[str, float] = ("uint8", 255),
        white: float = 255,
        speed: tuple[float, float, str] = (-np.inf, np.inf, "float32"),
        first: float = 0.0,
        grows: float = 1.0,
        length: int | None = 6,
        pays: float = 1.0,
        bonus: float = 0.0,
        drawn: tuple[int, int] = (40, 40),
        second: tuple[int, ...] = (),
    ) -> None:
        self.render_mode, self._white, self._length = render_mode, white, length
        self._first, self._grows, self._pays = first, grows, pays
        self._drawn, self._bonus = drawn, bonus
        kind, declared = image
        low, high, dtype = speed
        self.observation_space = spaces.Dict(
            {
                "camera": spaces.Box(0, declared, (40, 40, 3), np.dtype(kind).type),
                "speed": spaces.Box(low, high, (2,), np.dtype(dtype).type),
            }
        )
        if second:
            self.observation_space["second"] = spaces.Box(0, 255, second, np.uint8)
        self.action_space = spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.age = 0
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.age += 1
        pays = self._bonus if self._bonus and self.age == self._length else self._pays
        return self._observe(), pays, self.age == self._length, False, {}

    def render(self) -> Any:
        """Draw noise that is as high as one number of `drawn` says, in turns by episode."""
        self._drawn = self._drawn if self.age else self._drawn[::-1]
        return self.np_random.integers(0, 256, (self._drawn[0], 40, 3), np.uint8)

    def _observe(self) -> Any:
        camera, speed = (self.observation_space[key] for key in ("camera", "speed"))
        shown = self.np_random.random((40, 40, 3)) * self._white
        shown[0, 0, 0] = self._white
        shown = np.rint(shown) if camera.dtype == np.uint8 else shown
        value = self._first + self._grows * np.array([0, self.age])
        known = {"camera": shown.astype(camera.dtype), "speed": value.astype(speed.dtype)}
        return self.observation_space.sample() | known


gym.register(
    "tests/Hostile-v0",
    entry_point="tests.rollouts.test_findings:Hostile",
    disable_env_checker=True,
)


def said(folder: Path, config: RolloutConfig = SMALL, workers: str = "sync", **kwargs: Any) -> Any:
    """The warnings of a collection."""
    given = {"id": "tests/Hostile-v0", "import": "tests.rollouts.test_findings"}
    limits = {
        "max_episode_steps": kwargs.pop("limit", None),
        "give_up_after": kwargs.pop("gives_up", None),
    }
    shown = {"pixels": "render"} if "drawn" in kwargs else {"image_key": "camera"}
    values = {"workers": workers, "kwargs": kwargs, **shown}
    env = EnvConfig(**given, **values, **limits, frame={"height": 40, "width": 40})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        collect(RolloutStore.create(folder, env), config, seed=0)
    return [str(one.message) for one in caught]


WIDE = (-1e14, 1e14, "float64")
WHOLE = (0, 2**40, "int64")
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "beyond bounds": (
        {"speed": (0, 5, "float32")},
        "speed (number 1 of 2) goes from 0 to 6, its space from 0 to 5, where dreams and the "
        "explorer keep it: declare",
    ),
    "below bounds": (
        {"speed": (0, 5, "float64"), "grows": -0.5},
        "speed (number 1 of 2) goes from -3 to 0, its space from 0 to 5",
    ),
    "few levels": ({"white": 15}, "camera is almost black: its brightest pixel is 15, where white"),
    "shares": (
        {"white": 1, "image": ("float32", 255)},
        "its brightest pixel is 1, where white is 255; declare its space from 0 to 1, if",
    ),
    "dim shares": ({"white": 0.05, "image": ("float64", 1)}, "is 0.05, where white is 1; scale"),
    "whole": (
        {"speed": WHOLE, "first": 2**30 + 1, "grows": 0},
        "numbers such as 1,073,741,825, which float32 tells apart in steps of 128",
    ),
    "clock": (
        {"speed": WIDE, "first": 1.7e9},
        "numbers such as 1,700,000,006, which float32 tells apart in steps of 128",
    ),
    "place": ({"speed": WIDE, "first": -4e6, "grows": 0.01}, "in steps of 0.25 alone: subtract"),
    "endless": ({"length": None}, "no episode has ended within 49 decisions, and no limit is"),
    "given up": (
        {"length": None, "pays": 0.0, "gives_up": 5},
        "no episode has ended but by env.give_up_after = 5, without which agents are evaluated",
    ),
    "limit of one": ({"length": None, "limit": 1}, "every episode is cut or ends after its first"),
    "jackpot": ({"bonus": -1e6}, "a reward of 1e+06 stands beside usual ones of 1, which nobody"),
    "small camera": (
        {"second": (20, 30, 3)},
        "second looks like a camera, but below 36 pixels a side the usual convolutions cannot take "
        "it: each policy gets it as 1,800 numbers",
    ),
    "small camera, channels first": ({"second": (4, 35, 35)}, "policy gets it as 4,900 numbers"),
    "bandit": ({"length": 1}, "every episode ends with its first decision: there is nothing for"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_said_once(tmp_path: Path, fault: str) -> None:
    kwargs, words = FAULTS[fault]
    (line,) = said(tmp_path, **kwargs)
    assert line.startswith("tests/Hostile-v0: ")
    assert words in line
    assert "\n" not in line


def test_faults_in_processes_of_their_own_are_said_together(tmp_path: Path) -> None:
    kwargs = {"white": 15, "speed": (0, 2**25, "int64"), "first": 2**25, "grows": 3_001}
    lines = said(tmp_path, workers="async", **kwargs)
    assert [line.split("the observation's ")[1][:22] for line in lines] == [
        "camera is almost black",
        "speed holds numbers su",
        "speed (number 1 of 2) ",
    ]


@pytest.mark.parametrize("workers", ["sync", "async"])
def test_pictures_of_several_shapes_are_told_of(tmp_path: Path, workers: str) -> None:
    lines = said(tmp_path / "rooms", workers=workers, drawn=(50, 80))
    (line,) = (line for line in lines if "several shapes" in line)
    assert "from (50, 40, 3) to (80, 40, 3)" in line
    lines = said(tmp_path / "one room", workers=workers, drawn=(50, 50))
    assert not any("shapes" in line for line in lines)


RIGHT: dict[str, dict[str, Any]] = {
    "all right": {},
    "dark with one bright pixel": {"white": 33},
    "shares": {"white": 1, "image": ("float32", 1)},
    "a map of zeros and ones": {"white": 1, "image": ("uint8", 1)},
    "bounds that float32 rounds": {"speed": (0, 0.1, "float64"), "first": 0.1, "grows": 0},
    "a fine double": {"speed": WIDE, "first": 0.1, "grows": 1e-9},
    "a double that moves far": {"speed": WIDE, "first": 1e6, "grows": 1e5},
    "a constant": {"speed": WIDE, "first": 1.7e9 + 1, "grows": 0},
    "small whole numbers": {"speed": WHOLE, "first": 2**24 - 10},
    "an end before it is given up": {"pays": 0.0, "gives_up": 50},
    "given up before a limit": {"length": None, "pays": 0.0, "gives_up": 5, "limit": 90},
    "a large reward at the end": {"bonus": 5_000.0},
    "rewards of nothing but 0": {"pays": 0.0},
    "a map of symbols": {"second": (15, 15, 3)},
    "a second camera": {"second": (36, 36, 3)},
    "a limit that is not reached": {"length": None, "limit": 5_000},
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_not_spoken_of(tmp_path: Path, case: str) -> None:
    assert said(tmp_path, **RIGHT[case]) == []


def test_no_end_is_said_while_it_is_collected_and_only_once(tmp_path: Path) -> None:
    config = RolloutConfig(frames=2_100, num_envs=2, policies={"random": 1.0})
    (line,) = said(tmp_path, config, length=None)
    assert "no episode has ended within 1,000 decisions" in line
    assert f"another --name, or remove {tmp_path} and" in line


def test_the_advice_for_no_end_works(tmp_path: Path) -> None:
    assert said(tmp_path / "a", length=None) != []
    assert said(tmp_path / "b", length=None, limit=20) == []
    assert {record.cut for record in RolloutStore(tmp_path / "b").records} == {False, True}


def test_an_end_that_was_collected_before_counts(tmp_path: Path) -> None:
    assert said(tmp_path, length=30) == []
    longer = SMALL.model_copy(update={"frames": 140})
    assert said(tmp_path, longer, length=30) == []
    assert RolloutStore(tmp_path).records[-1].cut


def test_what_was_collected_before_counts(tmp_path: Path) -> None:
    """As after a kill, which comes before anything is said."""
    said(tmp_path, length=30, speed=(0, 25, "float32"))
    longer = SMALL.model_copy(update={"frames": 140})
    (line,) = said(tmp_path, longer, length=30, speed=(0, 25, "float32"))
    assert "speed (number 1 of 2) goes from 0 to 30, its space from 0 to 25" in line
    assert all(record.length < 25 for record in RolloutStore(tmp_path).records[-2:])


def test_a_damaged_episode_does_not_end_a_collection_that_goes_on(tmp_path: Path) -> None:
    said(tmp_path)
    first = RolloutStore(tmp_path).records[0].name
    for path in tmp_path.glob(f"{first}.*"):
        path.write_bytes(b"torn")
    assert said(tmp_path, SMALL.model_copy(update={"frames": 140})) == []


@pytest.mark.parametrize(
    ("game", "pooled", "count"),
    [("Asteroids", False, 1), ("Asteroids", True, 0), ("Pong", False, 0)],
)
def test_a_game_that_draws_on_every_other_screen_is_told_of(
    tmp_path: Path, game: str, pooled: bool, count: int
) -> None:
    skip: dict[str, Any] = {"kwargs": {"frameskip": 1}, "action_repeat": 4} if pooled else {}
    env = EnvConfig(id=f"ALE/{game}-v5", frame=FrameConfig(max_pool=pooled), **skip)
    store = RolloutStore.create(tmp_path, env)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        collect(store, RolloutConfig(frames=1_000, num_envs=4, policies={"random": 1.0}), seed=0)
    told = [str(one.message) for one in caught if "to the last pixel" in str(one.message)]
    assert len(told) == count
    assert all("env.frame.max_pool: true with env.kwargs: {frameskip: 1}" in line for line in told)
