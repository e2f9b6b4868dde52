"""Which rows of a batch one process computes, where several learn from it together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Share:
    """Process number `rank` of `processes`, each of which takes equally many rows of a batch."""

    rank: int = 0
    processes: int = 1

    def rows(self, total: int) -> slice:
        """Return which rows of a batch of `total` belong to this process."""
        size = total // self.processes
        return slice(self.rank * size, (self.rank + 1) * size)

    def draw(
        self, draw: Callable[..., Tensor], shape: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """Draw random numbers for these rows (b, ...) with torch's `draw` (randn or rand).

        The numbers of the whole batch are drawn and cut, so an example meets the same noise in
        however many processes its batch is divided.
        """
        total = (shape[0] * self.processes, *shape[1:])
        whole = draw(total, generator=generator, device=generator.device)
        return whole[self.rows(len(whole))]

    def gather(self, rows: Tensor) -> Tensor:
        """Return the rows of all processes, in order: finite (b, ...) -> (B, ...).

        Each process sees only the gradient of its own rows, so it is multiplied by the number of
        processes. Averaged over the processes, as gradients are, it then equals the gradient that
        one process with all rows computes.
        """
        if self.processes == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.processes)]
        distributed.all_gather(parts, rows.detach().contiguous())
        parts[self.rank] = rows + (self.processes - 1) * (rows - rows.detach())
        return torch.cat(parts)


WHOLE = Share()
