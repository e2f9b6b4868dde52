"""The other side does what it is said to do."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from agents.benchmark.bare import step_bare
from agents.benchmark.usual import (
    UsualSession,
    UsualVAE,
    UsualWrapper,
    collect_usually,
    to_tensor,
    train_usually,
    usual_loss,
)
from tests.encoders import DOTS, make_encoder
from worldvae.autoencoders.frozen import FrozenEncoder
from worldvae.envs import EnvConfig
from worldvae.errors import WorldvaeError


def frames(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(256, size=(count, 64, 64, 3), dtype=np.uint8)


def test_the_network_is_that_of_the_paper() -> None:
    count = sum(weight.numel() for weight in UsualVAE().parameters())
    assert count == 4_348_547, "Ha & Schmidhuber (2018), appendix A.1"


def test_a_frame_becomes_a_tensor_as_in_torchvision() -> None:
    frame = np.array([[[0, 51, 255]], [[255, 0, 102]]], np.uint8)
    expected = torch.tensor([[[0.0], [1.0]], [[0.2], [0.0]], [[1.0], [0.4]]])
    torch.testing.assert_close(to_tensor(frame), expected)


def test_the_loss_is_squared_error_and_kl_summed() -> None:
    images, mean, log_sigma = torch.ones(2, 3, 4, 4), torch.zeros(2, 5), torch.zeros(2, 5)
    assert usual_loss((images / 2, mean, log_sigma), images) == 2 * 48 / 4
    assert usual_loss((images, mean + 3, log_sigma), images) == 10 * 9 / 2
    sigma = torch.full((2, 5), 2.0)
    expected = 10 * 0.5 * (4 - 1 - np.log(4))
    assert float(usual_loss((images, mean, sigma.log()), images)) == pytest.approx(expected)


def test_training_goes_over_all_frames_and_learns() -> None:
    torch.manual_seed(0)
    data, model = frames(10) // 8, UsualVAE()
    before = usual_loss(model(to_tensor(data[0])[None]), to_tensor(data[0])[None]).item()
    seen = train_usually(model, data, 4, 1e-3, "cpu", lambda step: step < 6)
    assert seen == 4 + 4 + 2 + 4 + 4 + 2
    after = usual_loss(model(to_tensor(data[0])[None]), to_tensor(data[0])[None]).item()
    assert after < before / 2


def test_the_wrapper_gives_the_mean_of_one_frame() -> None:
    model = UsualVAE()
    wrapper, data = UsualWrapper(model, "cpu"), frames(2)
    images = torch.from_numpy(data).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        together = model.mean(model.encoder(images)).numpy()
    one_by_one = np.stack([wrapper.observation(frame) for frame in data])
    np.testing.assert_allclose(one_by_one, together, atol=1e-5)


def test_the_session_encodes_as_the_encoder_does() -> None:
    data, encoder = frames(3)[:, :32, :32], FrozenEncoder(make_encoder(DOTS).model)
    with torch.no_grad():
        expected = encoder(torch.from_numpy(data)).numpy()
    latents = UsualSession(encoder, data.shape[1:]).encode(data)
    np.testing.assert_allclose(latents, expected, atol=1e-5)


def test_every_frame_is_in_the_file_of_its_episode(tmp_path: Path) -> None:
    env = gym.make_vec("CartPole-v1", num_envs=3, vectorization_mode="sync")
    stored = collect_usually(env, 120, tmp_path, seed=0)
    env.close()
    files = [np.load(path) for path in tmp_path.glob("*.npz")]
    assert stored == sum(len(file["observations"]) for file in files)
    assert 120 <= stored < 123
    assert len(files) > 3
    for file in files:
        assert len(file["actions"]) == len(file["rewards"]) == len(file["observations"])
        assert not file["terminals"][:-1].any()


@pytest.mark.parametrize("game", ["ALE/Pong-v5", "CarRacing-v3"])
def test_the_bare_backend_counts_the_steps_of_all_environments(game: str) -> None:
    assert step_bare(EnvConfig(id=game), num_envs=2, env_steps=5, seed=0) == 6


def test_what_has_no_bare_backend_says_so() -> None:
    with pytest.raises(WorldvaeError, match="runs on gymnasium here"):
        step_bare(EnvConfig(id="worldvae/Dots-v0"), num_envs=2, env_steps=5, seed=0)
