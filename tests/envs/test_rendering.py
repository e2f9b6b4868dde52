"""The package's own environments render as Gymnasium's do."""

import gymnasium as gym
import numpy as np
import pytest

from worldvae.envs import EnvConfig, make_env

OWN = sorted(
    spec.id for spec in gym.registry.values() if str(spec.entry_point).startswith("worldvae.envs.")
)
"""Dreams are made of a folder, and tested in tests/dynamics."""


def test_all_of_them_are_tested() -> None:
    assert {"worldvae/Dots-v0", "worldvae/BusyDots-v0", "worldvae/Shapes-v0"} <= set(OWN)


@pytest.mark.parametrize("name", OWN)
def test_without_a_mode_nothing_is_rendered_and_that_is_said(name: str) -> None:
    env = gym.make(name)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode='rgb_array'"):
        assert env.render() is None


@pytest.mark.parametrize("name", OWN)
@pytest.mark.filterwarnings("error")
def test_with_a_mode_the_observation_is_rendered(name: str) -> None:
    env = gym.make(name, render_mode="rgb_array")
    observation, _ = env.reset(seed=0)
    assert (env.render() == observation).all()


@pytest.mark.parametrize("name", OWN)
@pytest.mark.filterwarnings("error")
def test_frames_may_be_taken_from_what_is_rendered(name: str) -> None:
    frames = [
        make_env(EnvConfig(id=name, pixels=pixels)).reset(seed=0)[0]
        for pixels in ("render", "observation")
    ]
    assert np.array_equal(*frames)
