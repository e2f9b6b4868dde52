"""Random shifts of replayed images, the augmentation of DrQ-v2 (Yarats et al., 2021, section 3.1).

Images are shifted where the replay buffer hands them to training, and nowhere else. So one update
sees each image at one place in all of its losses, targets are computed from shifted images too, as
in DrQ-v2, and policies that play or are exported know nothing of it. First layers that shift would
differ in all three: Stable-Baselines3 keeps target networks in evaluation mode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.preprocessing import is_image_space
from torch import Tensor

from agents.config.agent import AgentConfig
from worldvae.errors import ConfigError

OBSERVED = "observations", "next_observations"
"""The fields of a sample that hold observations."""


def random_shift(images: Tensor, offsets: Tensor, pad: int) -> Tensor:
    """Pad images by `pad` pixels on each side, and cut each out again at its offset.

    (B, C, H, W), (B, 2) -> (B, C, H, W). Offsets are the first row and column of the padded image
    that are kept, from 0 to 2 pad; at `pad` the image stays as it is. The edge is repeated.
    """
    rows, columns = (
        # An index that is clamped to the image repeats its edge, as padding would.
        (torch.arange(size, device=images.device) + start[:, None] - pad).clamp(0, size - 1)
        for size, start in zip(images.shape[2:], offsets.unbind(1), strict=True)
    )
    batch = torch.arange(len(images), device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def shifted(images: Tensor, pad: int) -> Tensor:
    """Return (B, C, H, W) images, each shifted at random.

    Offsets come from NumPy's generator, from which Stable-Baselines3's buffers draw their samples.
    """
    offsets = np.random.randint(2 * pad + 1, size=(len(images), 2))
    return random_shift(images, torch.as_tensor(offsets, device=images.device), pad)


class ShiftedReplayBuffer(ReplayBuffer):
    """A replay buffer whose samples have each image shifted by up to `pad` pixels."""

    def __init__(self, *arguments: Any, pad: int, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self.pad = pad

    def _get_samples(self, *arguments: Any, **others: Any) -> Any:
        samples: Any = super()._get_samples(*arguments, **others)
        seen = {name: self._shifted(getattr(samples, name)) for name in OBSERVED}
        return samples._replace(**seen)

    def _shifted(self, observations: Any) -> Any:
        """Shift images (B, C, H, W), or those in a Dict, each on its own."""
        if not isinstance(observations, dict):
            return shifted(observations, self.pad)
        images = image_keys(self.observation_space)
        return {
            key: shifted(part, self.pad) if key in images else part
            for key, part in observations.items()
        }


class ShiftedNStepReplayBuffer(ShiftedReplayBuffer, NStepReplayBuffer):
    """The same for returns over several steps."""


class ShiftedDictReplayBuffer(ShiftedReplayBuffer, DictReplayBuffer):
    """The same for Dict observations."""


def image_keys(space: spaces.Space[Any]) -> set[str]:
    """Return the keys of the images in a Dict space; none in any other."""
    parts = space.spaces if isinstance(space, spaces.Dict) else {}
    return {key for key, part in parts.items() if is_image_space(part)}


def shifting_arguments(config: AgentConfig, space: spaces.Space[Any]) -> dict[str, Any]:
    """Return the arguments of an algorithm whose replay buffer shifts the images of `space`.

    They are empty if `config` asks for no shift, or if observations hold no image.
    """
    if not config.random_shift or not (is_image_space(space) or image_keys(space)):
        return {}
    given = config.arguments
    keywords = {**(given.get("replay_buffer_kwargs") or {}), "pad": config.random_shift}
    steps = given.get("n_steps", 1)
    if isinstance(space, spaces.Dict):
        if steps != 1:  # a class of its own would let the algorithm ignore it
            raise ConfigError(
                f"agent.settings.n_steps = {steps}: replays of several steps hold no Dict, which "
                "observations with further keys are; set it to 1"
            )
        return {"replay_buffer_class": ShiftedDictReplayBuffer, "replay_buffer_kwargs": keywords}
    if steps == 1:
        return {"replay_buffer_class": ShiftedReplayBuffer, "replay_buffer_kwargs": keywords}
    # With a class of its own the algorithm would ignore n_steps.
    keywords |= {"n_steps": steps, "gamma": config.gamma}
    return {
        "replay_buffer_class": ShiftedNStepReplayBuffer,
        "replay_buffer_kwargs": keywords,
        "n_steps": 1,
    }
