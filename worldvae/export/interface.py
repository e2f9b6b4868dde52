"""What an environment itself shows and takes, before any wrapper of worldvae."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
from gymnasium import spaces

from worldvae.envs import EnvConfig, make_env
from worldvae.envs.action_names import action_names
from worldvae.envs.observations import ImageLayout, KeyEncoding
from worldvae.envs.speed import steps_per_second
from worldvae.envs.wrappers import FrameObservation
from worldvae.errors import ConfigError
from worldvae.export.signature import FRAME, TensorSpec

STEER_GAS_BRAKE = ("steer", "gas", "brake")


@dataclass(frozen=True)
class EnvInterface:
    """What an environment itself shows and takes."""

    frame: TensorSpec
    """The image that it shows."""
    layout: ImageLayout
    """How that image lies in its array."""
    keys: tuple[KeyEncoding, ...]
    """The other keys of a Dict observation."""
    action_space: gym.Space[Any]
    action_names: tuple[str, ...]
    """Its own names of choices or axes; empty if it has none."""
    steps_per_second: float | None
    """Its nominal speed; None if it says none."""


def interface_of(config: EnvConfig) -> EnvInterface:
    """Make the environment of `config` once, and return what it shows and takes.

    Raises ConfigError if it cannot be made or shows no image.
    """
    env = make_env(config)
    try:
        env.reset(seed=0)
        if not isinstance(env, FrameObservation):
            raise ConfigError(f"{config.id} shows no frames (env.pixels = {config.pixels!r})")
        frame, layout = _image(env)
        space = env.get_wrapper_attr("env_action_space")
        return EnvInterface(
            frame=frame,
            layout=layout,
            keys=env.others,
            action_space=space,
            action_names=STEER_GAS_BRAKE if config.has_steer_throttle else action_names(env),
            steps_per_second=steps_per_second(env),
        )
    finally:
        env.close()


def _image(env: FrameObservation) -> tuple[TensorSpec, ImageLayout]:
    """Return what the environment's image is, and its layout; `env` has been reset."""
    if env.layout is None:
        shape = env.source_shape or ()
        layout = ImageLayout("last" if len(shape) == 3 else "none", 255.0)
        return frame_spec(shape, "uint8", layout, "render() shows"), layout
    space = env.env.observation_space
    image = space[env.image_key] if env.image_key is not None else space  # type: ignore[index]
    assert isinstance(image, spaces.Box)
    where = "it observes" if env.image_key is None else f"it observes under {env.image_key!r}"
    return frame_spec(image.shape, image.dtype.name, env.layout, where), env.layout


def frame_spec(shape: tuple[int, ...], dtype: str, layout: ImageLayout, source: str) -> TensorSpec:
    """Return the spec of an environment's own image."""
    letters = {"none": "H, W", "first": "C, H, W", "last": "H, W, C"}[layout.channels]
    meaning = f"the environment's own image as {source}, ({letters}), 0 to {layout.white:g}"
    return TensorSpec(name=FRAME, dtype=dtype, shape=shape, meaning=meaning)
