"""Layers with the results of torch's own, computed in the way that is fastest on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

# With so few output channels oneDNN's transposed convolution leaves most of a vector empty.
FEW_CHANNELS = 4


class UnflattenCells(nn.Unflatten):
    """Reshapes (B, F h w) to (B, F, h, w) in channels_last order, which all later layers have."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).contiguous(memory_format=torch.channels_last)


class Doubling(nn.ConvTranspose2d):
    """A transposed convolution of kernel 4, stride 2 and padding 1: it doubles (B, I, h, w).

    Args:
        odd: 1 for a height, and a width, of 2 n + 1 in place of 2 n.
    """

    def __init__(self, inside: int, outside: int, odd: tuple[int, int] = (0, 0)) -> None:
        super().__init__(inside, outside, 4, stride=2, padding=1, output_padding=odd)
        self.odd = odd

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        if input.device.type != "cpu" or self.bias is None:
            return super().forward(input, output_size)
        tensors = map(_as_autocast, (input, self.weight, self.bias))
        output: Tensor = _Doubled.apply(*tensors, self.odd)  # type: ignore[no-untyped-call]
        return output


class _Doubled(torch.autograd.Function):
    """Computes `Doubling` on the CPU, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor, odd: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.odd = odd
        if weight.shape[1] <= FEW_CHANNELS:
            return _by_cells(input, weight, bias, odd)
        return functional.conv_transpose2d(input, weight, bias, 2, 1, odd)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        geometry = (2, 2), (1, 1), (1, 1), True, ctx.odd, 1
        # The gradient of the bias takes oneDNN longer than that of the weights; a sum is faster.
        wanted = (*ctx.needs_input_grad[:2], False)
        by_input, by_weight, _ = torch.ops.aten.convolution_backward(
            gradient, input, weight, None, *geometry, wanted
        )
        return by_input, by_weight, gradient.sum((0, 2, 3)), None


def _by_cells(input: Tensor, weight: Tensor, bias: Tensor, odd: tuple[int, int]) -> Tensor:
    """Compute the transposed convolution as one of kernel 2 and four times the channels.

    Shi et al. (2016). Output row 2 p + a - 1 is input row p times kernel row a plus row p - 1 times
    kernel row a + 2. So the four (a, b) of a cell are channels of one dense convolution, which are
    then laid side by side.
    """
    inside, outside = weight.shape[:2]
    taps = weight.reshape(inside, outside, 2, 2, 2, 2).flip(2, 4)  # I, O, p, a, q, b
    kernel = taps.permute(3, 5, 1, 0, 2, 4).reshape(4 * outside, inside, 2, 2)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    cells = functional.conv2d(input, kernel, bias.repeat(4), padding=1).permute(0, 2, 3, 1)
    batch, height, width, _ = cells.shape  # h + 1, w + 1
    rows = cells.reshape(batch, height, width, 2, 2, outside).transpose(2, 3)
    image = rows.reshape(batch, 2 * height, 2 * width, outside).permute(0, 3, 1, 2)
    inner = image[:, :, 1 : 2 * height - 1 + odd[0], 1 : 2 * width - 1 + odd[1]]
    return inner.contiguous(memory_format=torch.channels_last)


def _as_autocast(tensor: Tensor) -> Tensor:
    """Return `tensor` in the precision that autocast gives to convolutions on the CPU."""
    if not torch.is_autocast_enabled("cpu"):
        return tensor
    return tensor.to(torch.get_autocast_dtype("cpu"))
