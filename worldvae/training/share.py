"""One process's rows of a batch that several processes learn from together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Share:
    """Process number `rank` of `processes`: each takes as many rows of a batch, in order."""

    rank: int = 0
    processes: int = 1

    def rows(self, total: int) -> slice:
        """Which rows of `total` are this process's."""
        size = total // self.processes
        return slice(self.rank * size, (self.rank + 1) * size)

    def draw(
        self, draw: Callable[..., Tensor], shape: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """`draw` of torch (randn, rand) for these rows, (b, ...): the whole batch's is drawn.

        So an example meets the same noise in however many processes its batch is divided.
        """
        total = (shape[0] * self.processes, *shape[1:])
        whole = draw(total, generator=generator, device=generator.device)
        return whole[self.rows(len(whole))]

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes, in order: finite (b, ...) -> (B, ...).

        Each process sees the gradient of its own rows alone, so it is multiplied by their number:
        averaged over the processes, as gradients are, it is that of one process with all rows.
        """
        if self.processes == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.processes)]
        distributed.all_gather(parts, rows.detach().contiguous())
        parts[self.rank] = rows + (self.processes - 1) * (rows - rows.detach())
        return torch.cat(parts)


WHOLE = Share()
