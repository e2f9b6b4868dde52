"""Frames of another kind than an encoder's are refused when its wrapper is made, with a remedy."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import AddRenderObservation, GrayscaleObservation, TransformObservation
from stable_baselines3.common.vec_env import DummyVecEnv, VecTransposeImage

from tests.encoders import DOTS, make_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import EnvConfig, FrameConfig, make_env
from worldvae.envs.dots import DotsEnv
from worldvae.errors import WorldvaeError
from worldvae.wrappers.latent import LatentObservation, LatentVectorObservation
from worldvae.wrappers.sb3 import LatentVecEnv, VectorEnvAdapter

LONG = np.arange(99.0)
REMEDY = r"make it with worldvae\.envs\.make_env or make_vec; or, if it observes no image"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder(DOTS)


def one(env: gym.Env[Any, Any], encoder: Encoder, **arguments: Any) -> Any:
    return LatentObservation(env, encoder, **arguments)


def vector(env: gym.Env[Any, Any], encoder: Encoder, **arguments: Any) -> Any:
    envs = SyncVectorEnv([lambda: env], autoreset_mode=AutoresetMode.SAME_STEP)
    return LatentVectorObservation(envs, encoder, **arguments)


def vec_env(env: gym.Env[Any, Any], encoder: Encoder, **arguments: Any) -> Any:
    return LatentVecEnv(DummyVecEnv([lambda: env]), encoder, **arguments)


WRAPPERS = pytest.mark.parametrize("wrap", [one, vector, vec_env])


def shown_as(space: spaces.Space[Any]) -> gym.Env[Any, Any]:
    """Dots whose observation is said to be of `space`; it is never looked at."""
    return TransformObservation(DotsEnv(), lambda _: space.sample(), space)


def as_dict() -> gym.Env[Any, Any]:
    frame = spaces.Box(0, 255, (40, 40, 3), np.uint8)
    return shown_as(spaces.Dict({"camera": frame, "speed": spaces.Box(0, 1, (1,))}))


@WRAPPERS
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gym.make("CartPole-v1"), r"frames of \(40, 40, 3\) uint8, .* shows Box\(\[-4\.8"),
        (lambda: DotsEnv(size=50), r"\(40, 40, 3\).*Box\(0, 255, \(50, 50, 3\), uint8\)"),
        (lambda: GrayscaleObservation(DotsEnv()), r"\(40, 40, 3\).*\(40, 40\), uint8"),
        (lambda: shown_as(spaces.Box(0, 1, (40, 40, 3), np.float32)), r"shows .*float32"),
        (lambda: shown_as(spaces.Box(0, 1, (40, 40, 3), np.uint8)), r"shows Box\(0, 1, .*uint8"),
        (
            lambda: shown_as(spaces.Box(np.arange(99), np.arange(99) + 1, dtype=np.float32)),
            "shows Box",
        ),
        (lambda: shown_as(spaces.Discrete(5)), r"shows Discrete\(5\)"),
        (lambda: GrayscaleObservation(make_env(DOTS)), r"\(32, 32, 3\).*\(32, 32\), uint8"),
    ],
    ids=[
        "no image",
        "size",
        "colour",
        "floats",
        "bits",
        "long vector",
        "no box",
        "changed after make_env",
    ],
)
def test_no_frames_of_the_encoder(
    wrap: Callable[..., Any], make: Any, words: str, encoder: Encoder
) -> None:
    with pytest.raises(WorldvaeError, match=f"{words}.*{REMEDY}") as error:
        wrap(make(), encoder)
    assert "\n" not in str(error.value)


@WRAPPERS
@pytest.mark.parametrize(
    ("make", "key", "words"),
    [
        (as_dict, None, r"image_key has to be one of \['camera'\]$"),
        (as_dict, "rear", r"image_key = 'rear': observations have only \['camera', 'speed'\]"),
        (as_dict, "speed", r"shows Box\(0\.0, 1\.0, \(1,\), float32\) under 'speed'; "),
        (DotsEnv, "camera", r"image_key = 'camera': observations are no Dict but Box"),
    ],
)
def test_no_key_of_the_image(
    wrap: Callable[..., Any], make: Any, key: str | None, words: str, encoder: Encoder
) -> None:
    with pytest.raises(WorldvaeError, match=words):
        wrap(make(), encoder, image_key=key)
    space = wrap(as_dict(), encoder, image_key="camera").observation_space["camera"]
    assert space.shape[-1] == 4 * encoder.latents


@WRAPPERS
@pytest.mark.parametrize(
    "frame", [{"height": 48, "width": 48}, {"color": "gray"}, {"crop": {"left": 1}}]
)
def test_frames_made_otherwise_say_both(
    wrap: Callable[..., Any], frame: dict[str, Any], encoder: Encoder
) -> None:
    other = FrameConfig(**{"height": 32, "width": 32, **frame})
    with pytest.raises(WorldvaeError) as error:
        wrap(make_env(DOTS.model_copy(update={"frame": other})), encoder)
    assert str(DOTS.frame) in str(error.value)
    assert str(other) in str(error.value)


def test_transposed_images_are_wrapped_too_late(encoder: Encoder) -> None:
    with pytest.raises(WorldvaeError, match=r"\(3, 40, 40\).*wrap before VecTransposeImage"):
        LatentVecEnv(VecTransposeImage(DummyVecEnv([DotsEnv])), encoder)


def test_both_remedies_help() -> None:
    config = EnvConfig(id="CartPole-v1", pixels="render", frame=FrameConfig(height=32, width=48))
    encoder = make_encoder(config.model_copy(update={"workers": "sync"}))
    raw = gym.make("CartPole-v1", render_mode="rgb_array")
    with pytest.raises(
        WorldvaeError, match=r"wrap it in gymnasium\.wrappers\.AddRenderObservation"
    ):
        LatentObservation(raw, encoder)
    rendered = LatentObservation(AddRenderObservation(raw), encoder)
    ours = LatentObservation(make_env(config), encoder)
    assert np.allclose(rendered.reset(seed=3)[0], ours.reset(seed=3)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("wrap", "make", "found"),
    [
        (LatentObservation, lambda: SyncVectorEnv([DotsEnv]), "no Env but SyncVectorEnv"),
        (LatentVectorObservation, DotsEnv, "VectorEnv but DotsEnv"),
        (LatentVectorObservation, lambda: DummyVecEnv([DotsEnv]), "VectorEnv but DummyVecEnv"),
        (LatentVecEnv, DotsEnv, "VecEnv but DotsEnv"),
        (LatentVecEnv, lambda: SyncVectorEnv([DotsEnv]), "VecEnv but SyncVectorEnv"),
        (lambda env, _: VectorEnvAdapter(env), DotsEnv, "VectorEnv but DotsEnv"),
    ],
)
def test_environments_of_another_kind_are_told_their_wrapper(
    encoder: Encoder, wrap: Any, make: Callable[[], Any], found: str
) -> None:
    with pytest.raises(WorldvaeError, match=rf"{found}: LatentObservation wraps a gymn"):
        wrap(make(), encoder)
