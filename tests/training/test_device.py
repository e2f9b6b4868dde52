"""Names of devices: those of the commands are those of Python, and a wrong one is one line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from tests.wheel import ROOT
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


def test_other_defaults_of_torch_are_one_line() -> None:
    try:
        torch.set_default_dtype(torch.float64)
        with pytest.raises(ConfigError, match=r"type is torch.float64, .*set_default_dtype\(torch"):
            torch_device("cpu")
        torch.set_default_dtype(torch.float32)
        with torch.device("meta"), pytest.raises(ConfigError, match=r"device is meta, .*\('cpu'\)"):
            torch_device("cpu")
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch_device("cpu") == "cpu"


FORKS = """
import multiprocessing

import torch

import worldvae.autoencoders.encoder

def compute():
    return torch.nn.functional.conv2d(torch.ones(64, 3, 64, 64), torch.ones(32, 3, 4, 4)).sum()

torch.set_num_threads(2)
compute()
forked = multiprocessing.get_context("fork").Process(target=compute, daemon=True)
forked.start()
forked.join(20)
print(forked.exitcode, torch.get_num_threads())
forked.kill()
"""


def test_a_process_that_is_forked_does_not_wait_for_the_threads_of_the_other() -> None:
    """Such as one of Gymnasium's, whose environment encodes frames after the agent has learned."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split() == ["0", "2"], done.stderr
