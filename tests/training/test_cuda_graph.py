"""Which GPU is warmed up and recorded: the one that is named, whichever is the current one.

Torch is stood in for by what its documentation says of devices and streams.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest
import torch

from worldvae.training.cuda_graph import beside, record

SECOND = torch.device("cuda:1")


class Stream:
    """A queue of one device: the current one if none is named."""

    def __init__(self, gpus: GPUs, device: torch.device | None = None) -> None:
        self.device = gpus.device if device is None else device
        self.waited_for: list[Stream] = []

    def wait_stream(self, other: Stream) -> None:
        self.waited_for.append(other)


class GPUs:
    """Several GPUs, of which the first is the current one; kernels go into its current stream."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.device = torch.device("cuda:0")
        self.streams: dict[torch.device, Stream] = {}
        self.recorded: Stream | None = None
        for name in ("current_stream", "graph", "stream"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))
        monkeypatch.setattr(torch.cuda, "device", self.on)
        monkeypatch.setattr(torch.cuda, "Stream", lambda device=None: Stream(self, device))
        monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)

    def current_stream(self, device: torch.device | None = None) -> Stream:
        return self.streams.setdefault(device or self.device, Stream(self, device))

    @contextmanager
    def on(self, device: torch.device) -> Generator[None]:
        before, self.device = self.device, device
        yield
        self.device = before

    @contextmanager
    def stream(self, stream: Stream) -> Generator[None]:
        before = self.current_stream(stream.device)
        with self.on(stream.device):
            self.streams[stream.device] = stream
            yield
            self.streams[stream.device] = before

    @contextmanager
    def graph(
        self, graph: object, stream: Stream | None = None, capture_error_mode: str = "global"
    ) -> Generator[None]:
        self.recorded = Stream(self) if stream is None else stream
        with self.stream(self.recorded):
            yield


class Graph:
    def register_generator_state(self, generator: torch.Generator) -> None:
        self.generator = generator

    def replay(self) -> None: ...


def test_a_record_is_of_the_device_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = GPUs(monkeypatch)
    used, _ = record(lambda: gpus.current_stream(SECOND), SECOND, torch.Generator())
    assert used is gpus.recorded
    assert used.device == SECOND
    assert gpus.device == torch.device("cuda:0")


def test_warming_up_is_beside_what_runs_on_the_device_that_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpus = GPUs(monkeypatch)
    usual = gpus.current_stream(SECOND)
    with beside(SECOND):
        used = gpus.current_stream(SECOND)
    assert used is not usual
    assert used.waited_for == [usual]
    assert usual.waited_for == [used]
    assert gpus.current_stream(SECOND) is usual


def test_on_the_cpu_nothing_is_queued() -> None:
    with beside(torch.device("cpu")):
        assert not torch.cuda.is_initialized()
