"""Recurrent cells with layer normalisation (Ba et al., 2016), which carry the memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worldvae.dynamics.config import DynamicsNetwork


class RecurrentCell(nn.Module):
    """A recurrent cell; `carried` numbers go from step to step, of which `output` shows M."""

    parts: int
    """Gates, each of M numbers."""
    states: int
    """The multiple of M that the cell carries."""

    def __init__(self, inputs: int, memory: int) -> None:
        super().__init__()
        self.memory = memory
        self.read = nn.Linear(inputs, self.parts * memory, bias=False)
        self.recur = nn.Linear(memory, self.parts * memory, bias=False)
        self.norm = nn.LayerNorm(self.parts * memory)
        nn.init.orthogonal_(self.recur.weight)

    @property
    def carried(self) -> int:
        """C, the length of what the cell carries."""
        return self.states * self.memory

    def forward(self, inputs: Tensor, carried: Tensor) -> Tensor:
        """Take one step: inputs (N, I), carried (N, C) -> carried (N, C)."""
        return self.update(self.read(inputs), carried)

    def scan(self, inputs: Tensor, carried: Tensor) -> Tensor:
        """Take T steps: inputs (B, T, I), carried (B, C) -> what is carried after each, (B, T, C).

        What is read is multiplied for all steps at once.
        """
        steps = []
        for read in self.read(inputs).unbind(1):
            carried = self.update(read, carried)
            steps.append(carried)
        return torch.stack(steps, 1)

    def output(self, carried: Tensor) -> Tensor:
        """Return what others may see of the memory: (..., C) -> (..., M)."""
        return carried[..., : self.memory]

    def gates(self, read: Tensor, output: Tensor) -> tuple[Tensor, ...]:
        """Return the gates before their non-linearities, each (N, M), from the memory (N, M).

        Autocast multiplies in bfloat16; what is carried over many steps adds up in float32.
        """
        summed: Tensor = self.norm(read.float() + self.recur(output).float())
        return summed.chunk(self.parts, -1)

    def update(self, read: Tensor, carried: Tensor) -> Tensor:
        """Return what is carried next; `read` (N, parts M) is the part of the inputs."""
        raise NotImplementedError


class GRU(RecurrentCell):
    """A gated recurrent unit (Cho et al., 2014), normalised as in Dreamer (Hafner et al., 2021)."""

    parts, states = 3, 1

    def update(self, read: Tensor, carried: Tensor) -> Tensor:
        reset, candidate, update = self.gates(read, carried)
        candidate = torch.tanh(torch.sigmoid(reset) * candidate)
        # Shifted by -1, an untrained gate keeps most of the memory.
        return torch.lerp(carried, candidate, torch.sigmoid(update - 1))


class LSTM(RecurrentCell):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997); it carries output and cell."""

    parts, states = 4, 2

    def update(self, read: Tensor, carried: Tensor) -> Tensor:
        output, cell = carried.chunk(2, -1)
        forget, write, show, candidate = self.gates(read, output)
        kept = torch.sigmoid(forget + 1) * cell  # an untrained gate keeps most of the memory
        cell = kept + torch.sigmoid(write) * torch.tanh(candidate)
        return torch.cat([torch.sigmoid(show) * torch.tanh(cell), cell], -1)


def make_cell(network: DynamicsNetwork, inputs: int) -> RecurrentCell:
    """Return the cell that `network` names, for inputs (N, inputs)."""
    cells: dict[str, type[RecurrentCell]] = {"gru": GRU, "lstm": LSTM}
    return cells[network.core](inputs, network.memory)
