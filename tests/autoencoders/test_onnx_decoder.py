"""The decoder as ONNX draws what the model draws, for every code, stride and unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="needs worldvae[fast]")

from tests.autoencoders.test_backends import encoder_of
from tests.autoencoders.tiny import tiny
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.onnx_decoder import decoder_to_onnx


def drawn(model: Autoencoder, latents: Any) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(decoder_to_onnx(model))
    (frames,) = session.run(None, {"codes": latents})
    return frames


def assert_alike(model: Autoencoder) -> None:
    latents = np.random.default_rng(3).normal(0, 2, (5, model.config.network.latents))
    latents = latents.astype(np.float32)
    with torch.inference_mode():
        expected = model.eval().decode(torch.from_numpy(latents)).permute(0, 2, 3, 1).numpy()
    assert expected.std() > 1e-3, "nothing to compare"
    np.testing.assert_allclose(drawn(model, latents), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        ({}, (32, 36, 3)),
        ({"channels": (8, 8), "first_stride": 4}, (37, 33, 1)),
        ({"code": "grid", "latents": 12, "channels": (8, 8, 8, 8)}, (32, 34, 3)),
        ({"code": "keypoints", "stack": 2}, (32, 32, 1)),
    ],
)
@pytest.mark.parametrize("standardise", [False, True])
def test_it_draws_what_the_model_draws(
    network: dict[str, Any], shape: tuple[int, int, int], standardise: bool
) -> None:
    encoder = encoder_of(network, shape, standardise=standardise)
    assert_alike(encoder.model)


@pytest.mark.parametrize("code", ["vector", "grid"])
def test_a_decoder_that_is_told_actions_is_told_none(code: str) -> None:
    config = tiny({"latents": 12, "channels": (8, 8, 8, 8), "code": code})
    assert_alike(Autoencoder(config, (32, 34, 3), seed=1, action_size=5))
