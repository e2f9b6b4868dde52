"""Layers that compute in another way than torch's own, against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from worldvae.autoencoders.layers import Doubling, UnflattenCells


def twins(outside: int, odd: tuple[int, int]) -> tuple[Doubling, nn.ConvTranspose2d]:
    """`Doubling` and torch's layer with the same weights, channels_last as in a model."""
    ours = Doubling(5, outside, odd)
    theirs = nn.ConvTranspose2d(5, outside, 4, stride=2, padding=1, output_padding=odd)
    theirs.load_state_dict(ours.state_dict())
    for layer in (ours, theirs):
        layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ours, theirs


def results(layer: nn.Module, images: Tensor, bfloat16: bool) -> list[Tensor]:
    """Output, and the gradients of a weighted sum of it by input and parameters."""
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        output: Tensor = layer(images)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    (output.float() * weights).sum().backward()
    found = (output, images.grad, *(parameter.grad for parameter in layer.parameters()))
    return [tensor.float() for tensor in found if tensor is not None]


@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize("odd", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("outside", [1, 3, 4, 5, 8])
def test_doubling_is_the_transposed_convolution(
    outside: int, odd: tuple[int, int], bfloat16: bool
) -> None:
    ours, theirs = twins(outside, odd)
    images = torch.randn(3, 5, 6, 7).contiguous(memory_format=torch.channels_last)
    expected = results(theirs, images, bfloat16)
    actual = results(ours, images, bfloat16)
    assert len(actual) == 4
    assert actual[0].shape == (3, outside, 12 + odd[0], 14 + odd[1])
    for mine, own in zip(actual, expected, strict=True):
        allowed = (0.02 if bfloat16 else 1e-5) * own.abs().max().item()
        torch.testing.assert_close(mine, own, atol=allowed, rtol=0)


@pytest.mark.parametrize("outside", [3, 8])
def test_doubling_by_hand(outside: int) -> None:
    """One input pixel paints its kernel, cut by one row and column all round."""
    layer = Doubling(1, outside)
    pixel = torch.zeros(1, 1, 3, 3)
    pixel[0, 0, 1, 1] = 2
    image = layer(pixel) - layer.bias[:, None, None]
    expected = torch.zeros(outside, 6, 6)
    expected[:, 1:5, 1:5] = 2 * layer.weight[0]
    torch.testing.assert_close(image[0], expected)


def test_doubling_needs_no_gradient_of_its_input() -> None:
    layer = Doubling(2, 3)
    layer(torch.randn(1, 2, 4, 4)).sum().backward()
    assert layer.bias is not None
    torch.testing.assert_close(layer.bias.grad, torch.full((3,), 64.0))


def test_cells_are_what_unflatten_makes_in_channels_last() -> None:
    codes = torch.randn(4, 2 * 3 * 5)
    cells = UnflattenCells(1, (2, 3, 5))(codes)
    assert torch.equal(cells, codes.reshape(4, 2, 3, 5))
    assert cells.is_contiguous(memory_format=torch.channels_last)
