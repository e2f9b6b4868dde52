"""Code that people usually write without worldvae: the other side of most contests.

The network, the loss, the optimiser, its learning rate and the batch are those of
ctallec/world-models (`models/vae.py`, `trainvae.py`), the PyTorch reproduction of Ha & Schmidhuber
(2018) that most others copy. The collection is that of its `data/carracing.py`, on Gymnasium's own
vector environment. No part of it is slowed down.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import wrappers
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from worldvae.seeding import derive

Frames = NDArray[np.uint8]

LATENTS = 32


class UsualVAE(nn.Module):
    """The VAE of World Models for frames (B, 3, 64, 64) in [0, 1], with unpadded convolutions."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 32, 4, stride=2),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, stride=2),
            nn.ReLU(),
            nn.Conv2d(64, 128, 4, stride=2),
            nn.ReLU(),
            nn.Conv2d(128, 256, 4, stride=2),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.mean = nn.Linear(2 * 2 * 256, LATENTS)
        self.log_sigma = nn.Linear(2 * 2 * 256, LATENTS)
        self.decoder = nn.Sequential(
            nn.Linear(LATENTS, 1024),
            nn.ReLU(),
            nn.Unflatten(1, (1024, 1, 1)),
            nn.ConvTranspose2d(1024, 128, 5, stride=2),
            nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 5, stride=2),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 6, stride=2),
            nn.ReLU(),
            nn.ConvTranspose2d(32, channels, 6, stride=2),
            nn.Sigmoid(),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, C, 64, 64) -> reconstruction (B, C, 64, 64), mean (B, Z), log sigma (B, Z)."""
        features = self.encoder(images)
        mean, log_sigma = self.mean(features), self.log_sigma(features)
        sample = mean + log_sigma.exp() * torch.randn_like(mean)
        return self.decoder(sample), mean, log_sigma

    def reconstruct(self, images: Tensor) -> Tensor:
        """Decode the posterior mean: (B, C, 64, 64) -> (B, C, 64, 64)."""
        reconstruction: Tensor = self.decoder(self.mean(self.encoder(images)))
        return reconstruction


def usual_loss(output: tuple[Tensor, Tensor, Tensor], images: Tensor) -> Tensor:
    """Squared error plus KL to N(0, 1), both summed over all entries: a scalar."""
    reconstruction, mean, log_sigma = output
    squared = functional.mse_loss(reconstruction, images, reduction="sum")
    kl = -0.5 * torch.sum(1 + 2 * log_sigma - mean.square() - (2 * log_sigma).exp())
    return squared + kl


def to_tensor(frame: Frames) -> Tensor:
    """(H, W, C) uint8 -> (C, H, W) in [0, 1], with the lines of torchvision's `ToTensor`."""
    image = torch.from_numpy(frame.transpose((2, 0, 1))).contiguous()
    return image.to(torch.get_default_dtype()).div(255)


class FrameDataset(Dataset[Tensor]):
    """Frames in one array (N, H, W, C), each converted to a tensor when it is requested."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Tensor:
        return to_tensor(self.frames[index])


def train_usually(
    model: UsualVAE,
    frames: Frames,
    batch_size: int,
    learning_rate: float,
    device: str,
    should_continue: Callable[[int], bool],
) -> int:
    """Train for epochs over the frames until `should_continue(step)` is false.

    Return the images used.
    """
    loader = DataLoader(FrameDataset(frames), batch_size=batch_size, shuffle=True)
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    step = images_seen = 0
    while True:
        for batch in loader:
            if not should_continue(step):
                return images_seen
            model.train()
            images = batch.to(device)
            optimizer.zero_grad()
            loss = usual_loss(model(images), images)
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()  # every script adds it to the epoch's total
            optimizer.step()
            step += 1
            images_seen += len(images)


class UsualWrapper:
    """The observation wrapper of one environment: encodes each frame on its own."""

    def __init__(self, model: UsualVAE, device: str) -> None:
        self.model, self.device = model.to(device).eval(), device

    def observation(self, frame: Frames) -> NDArray[np.float32]:
        """Return the latents of a frame: (H, W, C) uint8 -> (Z,)."""
        with torch.no_grad():
            image = to_tensor(frame).unsqueeze(0).to(self.device)
            latent = self.model.mean(self.model.encoder(image))
        return latent.squeeze(0).cpu().numpy()  # type: ignore[no-any-return]


class UsualSession:
    """A frozen encoder as torch exports it to ONNX, called through onnxruntime's defaults."""

    def __init__(self, encoder: nn.Module, shape: tuple[int, int, int]) -> None:
        """`encoder` maps frames (B, H, W, C) uint8, of which `shape` is that of one, to (B, Z)."""
        import onnxruntime

        graph = BytesIO()
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            torch.onnx.export(  # torch's other exporter takes a package more
                encoder,
                (torch.zeros(1, *shape, dtype=torch.uint8),),
                graph,  # type: ignore[arg-type]  # files in memory are written, too
                input_names=["frames"],
                dynamic_axes={"frames": {0: "batch"}},
                dynamo=False,
            )
        cpu = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(graph.getvalue(), providers=cpu)

    def encode(self, frames: Frames) -> NDArray[np.float32]:
        """Return the latents of frames: (B, H, W, C) uint8 -> (B, Z)."""
        (latents,) = self._session.run(None, {"frames": frames})
        return latents  # type: ignore[no-any-return]


def make_usual_env(env_id: str, size: tuple[int, int], num_envs: int) -> Any:
    """Make Gymnasium's asynchronous vector environment, whose processes resize their frames.

    Frames that have that size are not touched.
    """

    def resized(env: Any) -> Any:
        same = env.observation_space.shape[:2] == size
        return env if same else wrappers.ResizeObservation(env, size)

    return gym.make_vec(env_id, num_envs=num_envs, vectorization_mode="async", wrappers=[resized])


def collect_usually(env: Any, frames: int, folder: Path, seed: int) -> int:
    """Collect at least `frames` frames with random actions; return their number.

    Each episode becomes an npz file in `folder`, including those that run at the end.
    """
    env.action_space.seed(derive(seed, "usual"))
    obs, _ = env.reset(seed=seed)
    episodes: list[dict[str, list[Any]]] = [_empty() for _ in range(env.num_envs)]
    stored = 0
    while stored + sum(len(episode["observations"]) for episode in episodes) < frames:
        actions = env.action_space.sample()
        following, rewards, terminated, truncated, _ = env.step(actions)
        for i, episode in enumerate(episodes):
            episode["observations"].append(obs[i])
            episode["actions"].append(actions[i])
            episode["rewards"].append(rewards[i])
            episode["terminals"].append(terminated[i])
            if terminated[i] or truncated[i]:
                stored += _save(folder, episode)
                episodes[i] = _empty()
        obs = following
    return stored + sum(_save(folder, episode) for episode in episodes)


def _empty() -> dict[str, list[Any]]:
    return {"observations": [], "actions": [], "rewards": [], "terminals": []}


def _save(folder: Path, episode: dict[str, list[Any]]) -> int:
    number = len(list(folder.iterdir()))
    arrays: dict[str, Any] = {name: np.array(values) for name, values in episode.items()}
    np.savez(folder / f"rollout_{number}.npz", **arrays)
    return len(episode["observations"])
