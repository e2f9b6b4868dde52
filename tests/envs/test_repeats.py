from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.worlds import Clock
from worldvae.envs.repeats import where_repeats_differ


class Careless(Clock):
    """Whatever a clock does, with a fault that a subclass adds."""

    def __init__(self) -> None:
        super().__init__("rgb_array", spread=4)
        self.generator = np.random.default_rng()


class NoSeed(Careless):
    def _observe(self) -> Any:
        return self.generator.integers(0, 256, (40, 48, 3), np.uint8)


class NoSeedLater(Careless):
    def _observe(self) -> Any:
        return super()._observe() + (self.age == 2) * self.generator.integers(1, 99, dtype=np.uint8)


class NoSeedOfRewards(Careless):
    def step(self, action: int) -> Any:
        obs, _, *rest = super().step(action)
        return obs, self.generator.random(), *rest


class LengthOfItsOwn(Careless):
    """The episodes end after 3, 4, ... steps, whatever the seed."""

    episodes = 0

    def reset(self, **arguments: Any) -> Any:
        shown = super().reset(**arguments)
        self._length, self.episodes = 3 + self.episodes, self.episodes + 1
        return shown


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: Clock("rgb_array"), None),
        (NoSeed, "its first frame"),
        (NoSeedLater, "decision 2"),
        (NoSeedOfRewards, "decision 1"),
        (LengthOfItsOwn, "decision 3"),
    ],
)
def test_the_first_difference_of_two_plays_is_told(
    make: Callable[[], Clock], where: str | None
) -> None:
    assert where_repeats_differ(make(), seed=0) == where


def test_other_seeds_may_be_other_episodes() -> None:
    lengths = set()
    for seed in range(9):
        env = Clock("rgb_array")
        env.reset(seed=seed)
        lengths.add(env._length)
        assert where_repeats_differ(env, seed) is None
    assert len(lengths) > 1
