"""A recorder of kernels that needs no GPU: it keeps each operation, and runs all of them again.

As a CUDA graph it knows memory and nothing of Python: a replay computes what was computed, from and
into the same tensors. Numbers that Python worked out while it recorded stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from worldvae.training.cuda_graph import Replay, T

aten = torch.ops.aten
WAITS = {aten._local_scalar_dense, aten.nonzero, aten.masked_select, aten.is_nonzero, aten.equal}
"""What asks for numbers, or for a number of numbers, which a GPU has yet to compute."""

SHAPES = {aten.transpose_, aten.t_, aten.squeeze_, aten.unsqueeze_, aten.as_strided_, aten.set_}
"""What changes a tensor, yet no memory: there is nothing to compute again."""
COPIES = {aten._to_copy, aten.copy_, aten.where, aten.cat, aten.stack, aten.index}
"""What copies even a single number of the CPU to a GPU, where others take it as an argument."""


def record_on_tape(
    work: Callable[[], T], device: torch.device, generator: torch.Generator
) -> tuple[T, Replay]:
    """Do for tensors of the CPU what `cuda_graph.record` does."""
    with Tape() as tape:
        result = work()
    tape.undo()
    return result, tape.replay


class Tape(TorchDispatchMode):
    """Keeps what computes; views are no computation, they show the same memory."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[Callable[[], None]] = []
        self._made: set[int] = set()
        self._before: dict[int, tuple[Tensor, Tensor]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in WAITS:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        if func._schema.is_mutable:
            self._keep(_tensors((args, kwargs)))
        result = func(*args, **(kwargs or {}))
        given = {_memory(part) for part in _tensors((args, kwargs))}
        results = [part for part in _tensors(result) if _memory(part) not in given]
        self._made |= {_memory(part) for part in results}
        results = [part.detach() for part in results]  # whose shape nothing changes in place
        if results or (func._schema.is_mutable and func.overloadpacket not in SHAPES):
            self._calls.append(lambda: _again(func, args, kwargs or {}, results, given))
        return result

    def _keep(self, changing: list[Tensor]) -> None:
        for tensor in changing:
            if _memory(tensor) not in self._made | self._before.keys():
                self._before[_memory(tensor)] = tensor, tensor.clone()

    @torch.no_grad()
    def undo(self) -> None:
        """Give what was there before its values back, since recording computes nothing."""
        for tensor, before in self._before.values():
            tensor.copy_(before)

    @torch.no_grad()
    def replay(self) -> None:
        """Compute everything again."""
        for call in self._calls:
            call()


@contextmanager
def no_transfers() -> Generator[None]:
    """Refuse copies from the CPU to "meta", a device that computes nothing but shapes."""
    with _NoCopies(), _NoNumbers():
        yield


class _NoCopies(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = _tensors((args, kwargs))
        own = [part for part in given if part.device.type == "cpu"]
        there = any(part.device.type == "meta" for part in [*given, *_tensors(result)])
        if there and any(part.dim() or func.overloadpacket in COPIES for part in own):
            raise RuntimeError(f"a copy from the CPU: {func}")
        return result


class _NoNumbers(TorchFunctionMode):
    """New tensors of Python's numbers are copied where a dispatch mode does not look."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        makes = func in (Tensor.new_tensor, torch.tensor, torch.as_tensor)
        if makes and result.device.type == "meta" and result is not args[0]:
            raise RuntimeError(f"a copy of Python's numbers: {func}")
        return result


def _again(
    func: Any, args: Any, kwargs: dict[str, Any], results: list[Tensor], given: set[int]
) -> None:
    made = [part for part in _tensors(func(*args, **kwargs)) if _memory(part) not in given]
    for old, new in zip(results, made, strict=True):
        old.copy_(new)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
