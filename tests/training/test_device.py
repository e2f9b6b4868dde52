"""Names of devices: those of the commands are those of Python, and a wrong one is one line."""

from __future__ import annotations

import pytest
import torch

from worldvae.errors import ConfigError
from worldvae.training.device import torch_device


@pytest.mark.parametrize("sees_a_gpu", [False, True])
def test_auto_is_a_gpu_if_torch_sees_one(monkeypatch: pytest.MonkeyPatch, sees_a_gpu: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: sees_a_gpu)
    assert torch_device("auto") == ("cuda" if sees_a_gpu else "cpu")
    assert torch_device("cpu") == "cpu"


def test_a_device_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="device: gpu: not known to torch; use auto, cpu or"):
        torch_device("gpu")
    with pytest.raises(ConfigError, match="device: cuda:1: torch sees no GPU here; use auto or"):
        torch_device("cuda:1")
