"""An environment that draws from the process's generators has numbers of its own there."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from worldvae.envs import EnvConfig, make_env, make_vec, own_numbers
from worldvae.envs.own_numbers import AGAIN, LOOK
from worldvae.envs.repeats import where_repeats_differ

DRAWS: dict[str, Callable[[], float]] = {
    "random": random.random,
    "numpy": np.random.random,
    "torch": lambda: float(torch.rand(())),
}
NORMALS: dict[str, Callable[[], float]] = {
    "random normal": lambda: random.gauss(0, 1),
    "numpy normal": np.random.normal,
}
"""Each draws two numbers at once and keeps the second."""

SEEDS: dict[str, Callable[[int], Any]] = {
    "random": random.seed,
    "numpy": np.random.seed,
    "torch": torch.manual_seed,
}


class Gambler(gym.Env[Any, Any]):
    """Pays what a generator of the process draws, which it seeds at each reset if `seeds`.

    It draws from the `first` step of an episode of `length` on.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self,
        render_mode: str | None = None,
        draws: str = "numpy",
        seeds: bool = False,
        length: int = 5,
        first: int = 0,
    ) -> None:
        self.render_mode, self._seeds = render_mode, seeds
        self._draws, self._length, self._first = draws, length, first
        self.observation_space = spaces.Box(0, 255, (40, 40, 3), np.uint8)
        self.action_space = spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if self._seeds:
            SEEDS[self._draws](0)
        self._age = 0
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._age += 1
        return self._observe(), self._draw(), self._age == self._length, False, {}

    def _observe(self) -> Any:
        return np.full((40, 40, 3), int(256 * self._draw()) % 256, np.uint8)

    def _draw(self) -> float:
        return {**DRAWS, **NORMALS}[self._draws]() if self._age >= self._first else 0.0


gym.register("tests/Gambler-v0", entry_point=Gambler, disable_env_checker=True)


def gambler(**kwargs: Any) -> EnvConfig:
    frame = {"height": 40, "width": 40}
    return EnvConfig(id="tests/Gambler-v0", kwargs=kwargs, frame=frame)


def ours() -> list[float]:
    return [draw() for draw in DRAWS.values()]


def seed_ours() -> None:
    for seed in SEEDS.values():
        seed(7)


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("seeds", [False, True])
def test_what_an_agent_draws_does_not_depend_on_the_environment(draws: str, seeds: bool) -> None:
    """Else an environment that seeds at each reset lets it explore in each episode alike."""
    env = make_env(gambler(draws=draws, seeds=seeds))
    seed_ours()
    expected = [ours() for _ in range(LOOK + AGAIN)]
    seed_ours()
    drawn = []
    for turn in range(LOOK + AGAIN):  # while it is looked at, and after
        env.reset() if turn % 5 == 0 else env.step(0)
        drawn.append(ours())
    assert drawn == expected


@pytest.mark.parametrize("draws", DRAWS)
def test_episodes_follow_from_the_seed_and_differ_with_it(draws: str) -> None:
    config = gambler(draws=draws)

    def episode(env: gym.Env[Any, Any], seed: int) -> list[float]:
        env.reset(seed=seed)
        return [float(env.step(0)[1]) for _ in range(5)]

    env = make_env(config)
    first = episode(env, 3)
    for seed in range(10, 10 + LOOK // 5):
        assert episode(env, seed) != first
    assert episode(env, 3) == first
    assert episode(make_env(config), 3) == first
    assert where_repeats_differ(env, seed=0) is None


@pytest.mark.parametrize("draws", DRAWS)
def test_what_is_drawn_late_in_an_episode_is_its_own(draws: str) -> None:
    env = make_env(gambler(draws=draws, first=40, length=60))

    def episode() -> list[float]:
        env.reset(seed=3)
        return [float(env.step(0)[1]) for _ in range(60)]

    seed_ours()
    assert episode() == episode()
    drawn = ours()
    seed_ours()
    assert drawn == ours()


@pytest.mark.parametrize("draws", DRAWS)
def test_what_is_drawn_late_in_a_life_is_seen(draws: str) -> None:
    """At once of NumPy; of the others once it falls on a step that is looked at."""
    env = make_env(gambler(draws=draws, first=LOOK + 1, length=2 * LOOK))
    env.reset(seed=3)
    for step in range(LOOK + (0 if draws == "numpy" else AGAIN)):
        env.step(step % 2)
    seed_ours()
    rewards = [env.step(0)[1] for _ in range(2 * AGAIN)]
    drawn = ours()
    seed_ours()
    assert drawn == ours()
    assert 0.0 not in rewards


@pytest.mark.parametrize("draws", DRAWS)
def test_no_two_episodes_are_alike(draws: str) -> None:
    """Nor those of one environment, reset without a seed, nor those of several in one process."""
    env = make_vec(gambler(draws=draws), 4, seed=0)
    env.reset()
    rewards = [env.step(np.zeros(4, np.int64))[1] for _ in range(LOOK + AGAIN)]
    assert len(np.unique(rewards)) == 4 * (LOOK + AGAIN)
    env.close()


@pytest.mark.parametrize("draws", [*DRAWS, *NORMALS])
@pytest.mark.parametrize("seeds", [False, True])
def test_an_environment_draws_the_same_in_a_process_of_its_own(draws: str, seeds: bool) -> None:
    """Where nothing else draws, and its numbers stay in their place."""
    seeds = seeds and draws in SEEDS
    config = gambler(draws=draws, seeds=seeds, length=LOOK // 2)
    played = []
    for workers in ("sync", "async"):
        env = make_vec(config.model_copy(update={"workers": workers}), 2, seed=0)
        frames = [env.reset()[0], env.reset(seed=[3, 4])[0], env.reset(seed=[3, 4])[0]]
        rewards = []
        for _ in range(LOOK + AGAIN):
            frame, reward, *_ = env.step(np.zeros(2, np.int64))
            frames.append(frame)
            rewards.append(reward)
        env.close()
        played.append((np.stack(frames), np.stack(rewards)))
    for in_ours, in_its_own in zip(*played, strict=True):
        assert np.array_equal(in_ours, in_its_own)


def test_what_is_drawn_late_in_a_process_is_its_own() -> None:
    """Without the looks that a process needs in which others draw."""
    config = gambler(draws="random", first=LOOK + 1, length=2 * LOOK)
    env = make_vec(config.model_copy(update={"workers": "async"}), 2, seed=0)
    lives = []
    for _ in range(2):
        env.reset(seed=[3, 4])
        lives.append([env.step(np.zeros(2, np.int64))[1] for _ in range(LOOK + 5)][LOOK:])
    env.close()
    assert np.array_equal(*lives)
    assert np.all(lives)


def test_a_seed_of_its_own_stays_what_it_asked_for() -> None:
    env = make_env(gambler(seeds=True))
    np.random.seed(0)
    first, *rest = (np.random.random() for _ in range(3))
    for seed in (1, 2):
        frame, _ = env.reset(seed=seed)
        assert frame.ravel()[0] == int(256 * first)
    assert env.step(0)[1] == rest[1]


MADE_WITH_DRAWS = """
import random
import gymnasium, numpy, torch
from tests.envs.test_own_numbers import Gambler, ours, seed_ours

class Built(Gambler):
    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        seed_ours() if SEEDS else None
        self.layout = ours()

IMPORTED
gymnasium.register("me/Built-v0", entry_point=Built, disable_env_checker=True)
"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Make an environment that draws, and may seed, when it is made or its module imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(seeds: bool = False, imported: str = "") -> Any:
        code = MADE_WITH_DRAWS.replace("SEEDS", str(seeds)).replace("IMPORTED", imported)
        (tmp_path / "built.py").write_text(code)
        frame = {"height": 40, "width": 40}
        return make_env(EnvConfig(**{"id": "me/Built-v0", "import": "built"}, frame=frame))

    yield make
    sys.modules.pop("built", None)
    gym.registry.pop("me/Built-v0", None)


@pytest.mark.parametrize("how", [{"seeds": True}, {"imported": "seed_ours(); ours()"}])
def test_to_be_made_does_not_touch_what_an_agent_draws(built: Any, how: dict[str, Any]) -> None:
    for seed in SEEDS.values():
        seed(3)
    expected = [ours(), ours()]
    for seed in SEEDS.values():
        seed(3)
    drawn = [ours()]
    built(**how)
    assert [*drawn, ours()] == expected


def test_what_a_constructor_draws_follows_from_the_process_and_is_never_the_same(
    built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the environments of one process would all have the same layout."""

    def layouts(seed: int) -> Any:
        monkeypatch.setattr(own_numbers, "_blocks", count())
        np.random.seed(seed)
        return np.array([built().unwrapped.layout for _ in range(3)])

    first = layouts(0)
    assert len(np.unique(first)) == first.size
    built()
    assert np.array_equal(layouts(0), first)
    assert not np.isin(layouts(1), first).any()


def test_torch_that_a_module_loads_and_seeds_draws_anything_afterwards() -> None:
    """Nothing was drawn from it before, so there is no place to go back to."""
    code = (
        "from worldvae.envs.own_numbers import OwnNumbers\n"
        "import sys\n"
        "assert 'torch' not in sys.modules\n"
        "with OwnNumbers():\n"
        "    import torch\n"
        "    torch.manual_seed(0)\n"
        "assert torch.initial_seed() != 0\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
