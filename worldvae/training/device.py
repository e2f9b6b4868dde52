"""What torch calls the device, and how exactly it computes there."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import torch

from worldvae.errors import ConfigError

# A fork copies none of the threads that torch computes with, and waits for them for ever: one that
# holds an environment, its encoder and its dynamics computes alone, as torch's own workers do.
os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


def torch_device(device: str) -> str:
    """Return what torch calls `device`; auto is a GPU if torch sees one.

    Raises ConfigError if torch knows no such device, sees no GPU where one is asked for, or makes
    tensors of another type or elsewhere than networks here and Stable-Baselines3's expect.
    """
    _check_defaults()
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError:
        raise ConfigError(f"device: {device}: not known to torch; use auto, cpu or cuda") from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device: {device}: torch sees no GPU here; use auto or cpu")
    return device


def _check_defaults() -> None:
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    if dtype != torch.float32:
        raise ConfigError(
            f"torch's default type is {dtype}, and networks here are torch.float32: "
            "call torch.set_default_dtype(torch.float32) first"
        )
    if device.type != "cpu":
        raise ConfigError(
            f"torch's default device is {device}, and networks here are told where they run: "
            "call torch.set_default_device('cpu') first, and name it as the device"
        )


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return `precision`, for auto bfloat16 if the device has instructions for it, else float32."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    # Elsewhere oneDNN emulates bfloat16, slower than float32. An older torch cannot tell.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    native = any(has for name, has in capabilities.items() if name.endswith("bf16"))
    return "bfloat16" if native else "float32"
