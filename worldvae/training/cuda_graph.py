"""Work on a GPU whose kernels are recorded once, as a CUDA graph, and replayed from then on.

Where networks are small, launching their kernels one by one takes longer than computing them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")

WARM_UP = 3  # libraries choose their kernels and allocate before anything is recorded

Replay = Callable[[], None]


@contextmanager
def beside(device: torch.device) -> Generator[None]:
    """Queue the work of the block in a stream of its own, as warming up for a record has to be.

    `device` need not be the current one. Gradients are summed in the stream where a weight was used
    last, which must not be the one that cannot be recorded.
    """
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)


def record(
    work: Callable[[], T], device: torch.device, generator: torch.Generator | None = None
) -> tuple[T, Replay]:
    """Record the kernels of `work` without running them; return its result, and what replays them.

    `device` is the GPU that they run on, which need not be the current one. A replay reads and
    writes the memory that `work` read and wrote, so the tensors of the result hold the newest
    values. Numbers that `work` draws from `generator` follow from the seed that it has at the
    replay. Raises RuntimeError if `work` waits for the GPU, or copies to it.
    """
    with torch.cuda.device(device):
        graph = torch.cuda.CUDAGraph()
        # Without one torch takes the same stream for all devices, of that which was current first.
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        if generator is not None:
            graph.register_generator_state(generator)
        # Only this thread records: another one may go on copying or computing meanwhile.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            result = work()
    return result, graph.replay
