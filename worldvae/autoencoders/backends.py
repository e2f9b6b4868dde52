"""The libraries that compute an encoder's codes: torch on any device, onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from worldvae.autoencoders.cuda_graphs import GraphForward
from worldvae.autoencoders.frozen import FrozenEncoder
from worldvae.errors import ConfigError
from worldvae.extras import importing, not_installed

Frames = NDArray[np.uint8]
Latents = NDArray[np.float32]
Compute = Callable[[Frames], Latents]  # (B, H, W, stack C) -> (B, Z)

Backend = Literal["torch", "onnxruntime"]
Precision = Literal["float32", "bfloat16"]
ONNX = "onnxruntime", "onnx"
"""The packages that the backend onnxruntime takes."""


def choose_backend(
    backend: Literal["auto"] | Backend, device: torch.device, precision: Precision
) -> Backend:
    """Return the backend to use: `auto` is onnxruntime for float32 on the CPU where it is
    installed, else torch.

    Raises ConfigError if the backend that is asked for is missing or cannot do it.
    """
    refusal = _refusal_of_onnxruntime(device, precision)
    if backend == "onnxruntime" and refusal:
        raise ConfigError(f"backend onnxruntime: {refusal}; or take backend auto")
    if backend not in ("auto", "torch", "onnxruntime"):
        raise ConfigError(f"backend {backend!r}: expected auto, torch or onnxruntime")
    if precision not in get_args(Precision):
        raise ConfigError(f"precision {precision!r}: expected {' or '.join(get_args(Precision))}")
    return "torch" if backend == "torch" or refusal else "onnxruntime"


def _refusal_of_onnxruntime(device: torch.device, precision: Precision) -> str | None:
    """Say why onnxruntime cannot be used, or return None if it can."""
    if device.type != "cpu":
        return f"it computes on the CPU, not on {device}"
    if precision != "float32":
        return f"it computes in float32 on the CPU, not in {precision}"
    return not_installed(*ONNX)


def make_backend(
    backend: Backend,
    encoder: FrozenEncoder,
    shape: tuple[int, int, int],
    device: torch.device,
    precision: Precision,
) -> Compute:
    """Return a function from frames (B, *shape) to codes; `encoder` has to be on `device`."""
    if backend == "onnxruntime":
        return OnnxBackend(encoder, shape)
    forward = TorchForward(encoder, device, precision)
    return GraphForward(forward, shape, device) if device.type == "cuda" else forward.on_frames


class TorchForward:
    """Computes codes with torch in `precision`; docs/encoders.md says what bfloat16 changes."""

    def __init__(self, encoder: FrozenEncoder, device: torch.device, precision: Precision) -> None:
        self._encoder, self._device = encoder, device
        self._is_half = precision == "bfloat16"

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Encode frames that lie on the device: (B, H, W, stack C) uint8 -> (B, Z) float32."""
        # A CUDA graph cannot hold the cast weights that autocast would cache.
        kind = self._device.type
        with torch.autocast(kind, torch.bfloat16, self._is_half, cache_enabled=False):
            codes: torch.Tensor = self._encoder(frames)
            return codes

    @torch.inference_mode()
    def on_frames(self, frames: Frames) -> Latents:
        """Encode frames in memory; only an array that torch cannot share is copied."""
        batch = torch.from_numpy(np.require(frames, requirements=["C", "W"]))
        codes: Latents = self(batch.to(self._device)).cpu().numpy()
        return codes


class OnnxBackend:
    """Computes codes with onnxruntime, with as many threads as torch has when it is made.

    The threads sleep while they wait. By default they would spin, and take the cores from the
    processes of environments.
    """

    def __init__(self, encoder: FrozenEncoder, shape: tuple[int, int, int]) -> None:
        with importing("the backend onnxruntime (or take torch)", *ONNX):
            import onnxruntime

            from worldvae.autoencoders.onnx_graph import FRAMES_NAME, to_onnx

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._name = FRAMES_NAME
        self._session = onnxruntime.InferenceSession(
            to_onnx(encoder, shape), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, frames: Frames) -> Latents:
        codes: Latents
        (codes,) = self._session.run(None, {self._name: np.ascontiguousarray(frames)})
        return codes
