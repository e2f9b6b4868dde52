"""An encoder as a policy's first layers: what it computes is the encoder's, whoever made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from tests.encoders import DOTS, NETWORK, make_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.errors import ConfigError
from worldvae.wrappers.sb3 import CombinedEncoderFeatures, EncoderFeatures

SHOWN = spaces.Box(0, 255, (3, 32, 32), np.uint8)
WITH_SPEED = spaces.Dict({"camera": SHOWN, "speed": spaces.Box(-1, 1, (2,), np.float32)})


class Noise(gym.Env[Any, np.int64]):
    """Frames (C, H, W) of noise, or a Dict with one under `camera`."""

    def __init__(self, space: spaces.Space[Any]) -> None:
        self.observation_space = space
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: np.int64) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), 1.0, False, False, {}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return make_encoder(DOTS)


def arguments(encoder: Encoder, is_dict: bool, **changes: Any) -> dict[str, Any]:
    """What a user gives as `policy_kwargs`."""
    key = {"image_key": "camera"} if is_dict else {}
    return {
        "features_extractor_class": CombinedEncoderFeatures if is_dict else EncoderFeatures,
        "features_extractor_kwargs": {"encoder": encoder.trainable(), "stack": 1, **key},
        "normalize_images": False,
        **changes,
    }


def make(kind: type[BaseAlgorithm], encoder: Encoder, is_dict: bool, **changes: Any) -> Any:
    env = Noise(WITH_SPEED if is_dict else SHOWN)
    steps = {"n_steps": 8, "batch_size": 8} if kind is PPO else {"buffer_size": 10}
    policy = "MultiInputPolicy" if is_dict else "CnnPolicy"
    policy_kwargs = arguments(encoder, is_dict, **changes)
    return kind(policy, env, device="cpu", policy_kwargs=policy_kwargs, **steps)  # type: ignore[arg-type]


def features(model: Any, frames: np.ndarray[Any, Any], is_dict: bool) -> np.ndarray[Any, Any]:
    """What the encoder makes of frames (B, H, W, C), which are the last of a policy's features."""
    seen: Any = torch.from_numpy(frames.transpose(0, 3, 1, 2).copy())
    if is_dict:
        seen = {"camera": seen, "speed": torch.zeros(len(frames), 2)}
    policy = model.policy if isinstance(model, PPO) else model.policy.q_net
    layers = policy.features_extractor
    with torch.no_grad():
        found: np.ndarray[Any, Any] = policy.extract_features(seen, layers).numpy()
    return found[:, -8:]


@pytest.mark.parametrize("is_dict", [False, True])
@pytest.mark.parametrize("kind", [PPO, DQN])
def test_a_new_policy_begins_with_the_pretrained_encoder(
    encoder: Encoder, kind: type[BaseAlgorithm], is_dict: bool
) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    known = encoder.whiten(encoder.encode(frames))
    model = make(kind, encoder, is_dict)
    np.testing.assert_allclose(features(model, frames, is_dict), known, atol=1e-4)


def test_a_trained_one_is_loaded_as_it_was_saved(encoder: Encoder, tmp_path: Path) -> None:
    model = make(PPO, encoder, is_dict=False)
    model.learn(16)
    frames = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    learned = features(model, frames, is_dict=False)
    assert not np.allclose(learned, encoder.whiten(encoder.encode(frames)), atol=1e-4)
    model.save(tmp_path / "model")
    loaded = PPO.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(features(loaded, frames, is_dict=False), learned)


def test_each_of_overlapping_inputs_is_encoded() -> None:
    """Of four frames an encoder of two reads three inputs; the oldest latents come first."""
    encoder = make_encoder(DOTS, network=NETWORK.model_copy(update={"stack": 2}))
    layers = EncoderFeatures(
        spaces.Box(0, 255, (12, 32, 32), np.uint8), encoder.trainable(), 3, True
    )
    frames = np.random.default_rng(0).integers(0, 256, (5, 4, 32, 32, 3), np.uint8)
    shown = torch.from_numpy(frames.transpose(0, 1, 4, 2, 3).reshape(5, 12, 32, 32).copy())
    inputs = [np.concatenate([frames[:, place], frames[:, place + 1]], -1) for place in range(3)]
    expected = [encoder.whiten(encoder.encode(each)) for each in inputs]
    with torch.no_grad():
        np.testing.assert_allclose(layers(shown), np.concatenate(expected, 1), atol=1e-4)


def test_the_encoder_that_is_given_learns_nothing(encoder: Encoder) -> None:
    given = encoder.trainable()
    before = [weight.clone() for weight in given.parameters()]
    layers = EncoderFeatures(SHOWN, given, 1, True)
    with torch.no_grad():
        for weight in layers.parameters():
            weight.add_(1)
    assert all(map(torch.equal, given.parameters(), before))


def test_another_camera_is_scaled_and_numbers_are_not(encoder: Encoder) -> None:
    camera = spaces.Box(0, 255, (3, 40, 40), np.uint8)
    space = spaces.Dict({**WITH_SPEED, "rear": camera})
    layers = CombinedEncoderFeatures(space, encoder.trainable(), 1, "camera", normalized_image=True)
    rear = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, 40, 40), np.uint8))
    speed = torch.tensor([[99.0, -1.0]] * 4)
    with torch.no_grad():
        found = layers({"camera": torch.zeros(4, 3, 32, 32), "rear": rear, "speed": speed})
        expected = layers.extractors["rear"](rear / 255)
    width = expected.shape[1]
    np.testing.assert_allclose(found[:, :width], expected, atol=1e-5)
    assert found[:, width : width + 2].tolist() == speed.tolist()


@pytest.mark.parametrize("is_dict", [False, True])
@pytest.mark.parametrize("kind", [PPO, DQN])
def test_grey_levels_are_not_divided_twice(
    encoder: Encoder, kind: type[BaseAlgorithm], is_dict: bool
) -> None:
    with pytest.raises(ConfigError, match="give the policy normalize_images=False"):
        make(kind, encoder, is_dict, normalize_images=True)
