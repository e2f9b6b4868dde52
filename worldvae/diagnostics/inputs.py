"""Downsampled frames and hashes of an encoder's inputs, which its codes are compared with.

Shapes: B frames, H W C image, D numbers of a downsampled frame.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_avg_pool2d

from worldvae.autoencoders.pixels import to_float

POOLED_AT_ONCE = 512


def frame_hashes(frames: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each frame: (B, H, W, C) -> (B,)."""
    digests = [blake2b(frame.tobytes(), digest_size=8).digest() for frame in frames]
    return np.frombuffer(b"".join(digests), np.uint64)


def downsampled_pixels(frames: NDArray[np.uint8], size: int = 256) -> NDArray[np.float32]:
    """Downsample frames to about `size` numbers in [0, 1]: (B, H, W, C) -> (B, D).

    D = h w C, where (h, w) is (H, W) scaled by sqrt(size / (H W C)) and rounded.
    """
    height, width, channels = frames.shape[1:]
    scale = min(1.0, float(np.sqrt(size / (height * width * channels))))
    grid = max(1, round(height * scale)), max(1, round(width * scale))
    # a copy, since frames may be a read-only memory map
    batches = torch.split(torch.from_numpy(np.array(frames, order="C")), POOLED_AT_ONCE)
    pooled = [adaptive_avg_pool2d(to_float(batch), grid).flatten(1) for batch in batches]
    return torch.cat(pooled).numpy()
