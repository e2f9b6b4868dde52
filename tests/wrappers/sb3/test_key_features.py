"""Numbers beside the image are compressed for every arm alike; latents and images are not."""

import numpy as np
import torch
from gymnasium import spaces

from worldvae.wrappers.sb3 import KeyFeatures

SPACE = spaces.Dict(
    {
        "health": spaces.Box(-np.inf, np.inf, (2,), np.float32),
        "screen": spaces.Box(-np.inf, np.inf, (3,), np.float32),
    }
)


def test_the_numbers_beside_the_latents_are_compressed_and_the_latents_are_not() -> None:
    shown = {"health": torch.tensor([[99.0, -1.0]]), "screen": torch.tensor([[99.0, 0.5, -2.0]])}
    compressed = KeyFeatures(SPACE, "screen")(shown)
    np.testing.assert_allclose(compressed, [[np.log(100), -np.log(2), 99.0, 0.5, -2.0]], rtol=1e-5)
    plain = KeyFeatures(SPACE, "screen", symlog_keys=False)(shown)
    assert plain.tolist() == [[99.0, -1.0, 99.0, 0.5, -2.0]]
