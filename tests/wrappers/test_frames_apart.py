"""An encoder of several frames is told where they lie further apart than in its training."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from tests.encoders import DOTS, NETWORK, make_encoder
from tests.wrappers.test_latent_refusals import one, vec_env, vector
from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.sources import read_sources
from worldvae.envs import make_env
from worldvae.envs.dots import DotsEnv
from worldvae.errors import ArtifactError
from worldvae.rollouts import RolloutConfig, RolloutStore, collect

WRAPPERS = pytest.mark.parametrize("wrap", [one, vector, vec_env])


def told(wrap: Callable[..., Any], frames: int, trained: int, now: int) -> list[str]:
    """What a wrapper says of an encoder of `frames` frames, from one repeat to another."""
    network = NETWORK.model_copy(update={"stack": frames})
    encoder = make_encoder(DOTS.model_copy(update={"action_repeat": trained}), network=network)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        wrap(make_env(DOTS.model_copy(update={"action_repeat": now})), encoder)
    return [str(one.message) for one in caught if "apart" in str(one.message)]


@WRAPPERS
def test_two_frames_of_another_distance_are_said(wrap: Callable[..., Any]) -> None:
    assert told(wrap, 2, 4, 1) == [
        "the encoder reads 2 frames at once, 4 steps apart in training and 1 in this environment, "
        "so that things move otherwise in them; set env.action_repeat to 4, or pretrain another "
        "encoder"
    ]


@WRAPPERS
def test_one_frame_and_the_same_distance_are_not_spoken_of(wrap: Callable[..., Any]) -> None:
    assert told(wrap, 1, 4, 1) == []
    assert told(wrap, 2, 4, 4) == []


@WRAPPERS
def test_where_nobody_tells_the_distance_nothing_is_said(wrap: Callable[..., Any]) -> None:
    """Not every environment comes from `make_env`."""
    encoder = make_encoder(DOTS, network=NETWORK.model_copy(update={"stack": 2}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wrap(DotsEnv(), encoder)


@WRAPPERS
def test_an_encoder_of_pooled_frames_asks_for_them(wrap: Callable[..., Any]) -> None:
    """An environment that `make_env` did not make cannot say whether it pools."""
    pooled = {"frame": DOTS.frame.model_copy(update={"max_pool": True}), "action_repeat": 2}
    with pytest.warns(UserWarning, match="trained on the brighter of a decision's last two images"):
        wrap(DotsEnv(), make_encoder(DOTS.model_copy(update=pooled)))


@WRAPPERS
def test_frames_that_are_pooled_are_others(wrap: Callable[..., Any]) -> None:
    pooled = {"frame": DOTS.frame.model_copy(update={"max_pool": True}), "action_repeat": 2}
    twice = DOTS.model_copy(update={"action_repeat": 2})
    with pytest.raises(ArtifactError, match="max-pooled over two steps, this environment gives"):
        wrap(make_env(twice), make_encoder(DOTS.model_copy(update=pooled)))


def test_the_distance_is_that_of_the_rollouts(tmp_path: Any) -> None:
    env = DOTS.model_copy(update={"action_repeat": 3})
    store = RolloutStore.create(tmp_path, env)
    collect(store, RolloutConfig(frames=400, num_envs=4), seed=0)
    window = AutoencoderConfig(network=NETWORK).window
    assert read_sources([store], window, actions=False)[-1].action_repeat == 3
