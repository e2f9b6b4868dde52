"""Shapes for every code and size, and what each part of a code can see."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from worldvae.autoencoders.config import LEAN, NetworkConfig
from worldvae.autoencoders.networks import CellsAndExtra, ConvDecoder, ConvEncoder, SpatialSoftmax
from worldvae.errors import WorldvaeError

SIDES = (32, 33, 47, 63, 64, 65, 84, 96, 127, 128)
CODES = ("vector", "grid", "keypoints")


def network(**values: Any) -> NetworkConfig:
    return NetworkConfig.model_validate({"latents": 5, "channels": (2, 3, 4, 5), **values})


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [*zip(SIDES, reversed(SIDES), strict=True)])
def test_any_size_comes_back(height: int, width: int, channels: int) -> None:
    shape = (height, width, channels)
    images = torch.rand(2, channels, height, width)
    assert ConvEncoder(shape, network(), heads=2)(images).shape == (2, 10)
    assert ConvDecoder(shape, network())(torch.rand(2, 5)).shape == images.shape


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("stack", [1, 3])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("height", "width"), [(33, 47), (84, 127), (128, 65)])
def test_any_code_of_any_stack(height: int, width: int, code: str, stack: int, heads: int) -> None:
    latents = 2 * (height // 16) * (width // 16)
    config = network(code=code, stack=stack, latents=latents)
    shape = (height, width, 3)
    codes = ConvEncoder(shape, config, heads)(torch.rand(2, 3 * stack, height, width))
    assert codes.shape == (2, heads * latents)
    images = ConvDecoder(shape, config, extra=4)(torch.rand(2, latents + 4))
    assert images.shape == (2, 3, height, width)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("height", "width"), [*zip(SIDES, reversed(SIDES), strict=True)])
def test_a_first_stride_of_four_fits_any_size_and_code(height: int, width: int, code: str) -> None:
    cells = ((height + 2) // 8) * ((width + 2) // 8)
    config = network(channels=(2, 3), first_stride=4, code=code, stack=2, latents=cells)
    shape = (height, width, 3)
    codes = ConvEncoder(shape, config, heads=2)(torch.rand(2, 6, height, width))
    assert codes.shape == (2, 2 * cells)
    images = ConvDecoder(shape, config, extra=4)(torch.rand(2, cells + 4))
    assert images.shape == (2, 3, height, width)


@pytest.mark.parametrize("side", range(32, 40))
@pytest.mark.parametrize("first_stride", [2, 4])
def test_every_pixel_is_seen_and_painted(side: int, first_stride: int) -> None:
    config = network(channels=(2,), first_stride=first_stride)
    shape = (side, side, 1)
    image = torch.zeros(1, 1, side, side, requires_grad=True)
    encoder, decoder = ConvEncoder(shape, config, heads=1), ConvDecoder(shape, config)
    all_positive(encoder)
    all_positive(decoder)
    encoder(image).sum().backward()
    assert image.grad is not None
    assert (image.grad > 0).all()
    code = torch.ones(1, 5)
    assert (decoder(code) != decoder(0 * code)).all()


def test_space_to_depth_and_a_convolution_are_one_convolution_of_stride_four() -> None:
    """Blocks of 2 x 2 pixels as channels, then kernel 4, stride 2: the inner 8 x 8 weights agree.

    The stem pads by 3, the two steps by a block of 2; so the one reads a frame that is shifted.
    """
    fine = ConvEncoder((32, 32, 1), network(channels=(2,), first_stride=4), heads=1)[0]
    assert isinstance(fine, nn.Conv2d)
    blocks = nn.Conv2d(4, 2, kernel_size=4, stride=2)
    with torch.no_grad():
        blocks.weight.copy_(nn.functional.pixel_unshuffle(fine.weight, 2))
        blocks.bias.copy_(fine.bias)
        image = torch.rand(1, 1, 32, 32)
        padded = nn.functional.pad(image, (3, 3, 3, 3))[..., :36, :36]
        expected = blocks(nn.functional.pixel_unshuffle(padded, 2))
        assert torch.allclose(fine(image), expected, atol=1e-6)


def multiplications(encoder: nn.Module, image: Tensor) -> int:
    """Of weights with pixels or features, as one image (1, C, H, W) passes."""
    counts = []

    def count(layer: Any, _: Any, output: Tensor) -> None:
        counts.append(layer.weight.numel() * output[0, 0].numel())

    layers = [layer for layer in encoder.modules() if hasattr(layer, "weight")]
    handles = [layer.register_forward_hook(count) for layer in layers]
    encoder(image)
    for handle in handles:
        handle.remove()
    return sum(counts)


def test_the_lean_network_has_a_thirteenth_of_the_default_work() -> None:
    """By hand: 16^2 x 8^2 x 3 x 16 + 8^2 x 4^2 x 16 x 64, and a dense layer of 4096 x 32."""
    image = torch.rand(1, 3, 64, 64)
    lean, default = (
        multiplications(ConvEncoder((64, 64, 3), config, heads=1), image)
        for config in (LEAN, NetworkConfig())
    )
    assert lean == 16**2 * 8**2 * 3 * 16 + 8**2 * 4**2 * 16 * 64 + 4096 * 32
    assert 13 < default / lean < 14


def test_five_convolutions_fit_the_smallest_frame() -> None:
    config = network(latents=2, channels=(2, 2, 2, 2, 2))
    assert ConvDecoder((32, 33, 3), config)(torch.rand(1, 2)).shape == (1, 3, 32, 33)
    with pytest.raises(ValidationError):
        network(channels=(2, 2, 2, 2, 2, 2))
    four = network(latents=2, channels=(2, 2, 2, 2), first_stride=4)
    assert ConvDecoder((32, 33, 3), four)(torch.rand(1, 2)).shape == (1, 3, 32, 33)
    with pytest.raises(ValidationError, match=r"5 channels with first_stride 4 leave nothing"):
        network(channels=(2, 2, 2, 2, 2), first_stride=4)


def test_the_default_has_the_size_of_world_models() -> None:
    encoder = ConvEncoder((64, 64, 3), NetworkConfig(), heads=2)
    convolutions = [layer for layer in encoder if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [32, 64, 128, 256]
    assert {(layer.kernel_size, layer.stride) for layer in convolutions} == {((4, 4), (2, 2))}
    assert NetworkConfig().latents == 32


def all_positive(layers: nn.Module) -> None:
    """Every weight 0.1: no ReLU is ever closed, so that what can be seen is seen."""
    with torch.no_grad():
        for weight in layers.parameters():
            weight.fill_(0.1)


def changed(before: Tensor, after: Tensor) -> tuple[set[int], set[int]]:
    """Rows and columns of (..., h, w) that differ."""
    places = (before != after).nonzero()
    return set(places[:, -2].tolist()), set(places[:, -1].tolist())


@pytest.mark.parametrize(
    ("row", "column", "rows", "columns"),
    [(0, 31, {0}, {7}), (16, 31, {3, 4}, {7}), (13, 3, {2, 3, 4}, {0, 1})],
)
def test_a_cell_of_the_grid_sees_its_neighbourhood_alone(
    row: int, column: int, rows: set[int], columns: set[int]
) -> None:
    """Two halving convolutions: cell i sees the pixels 4 i - 3 to 4 i + 6, in rows and columns."""
    config = network(code="grid", channels=(2, 3), latents=64)
    encoder = ConvEncoder((32, 32, 1), config, heads=1)
    all_positive(encoder)
    before = torch.zeros(1, 1, 32, 32)
    after = before.clone()
    after[0, 0, row, column] = 1
    cells = [encoder(images).reshape(8, 8) for images in (before, after)]
    assert changed(*cells) == (rows, columns)


def test_a_latent_of_the_grid_draws_in_its_neighbourhood_alone() -> None:
    """Cell i paints cells i - 1 to i + 1; a doubling convolution turns i into 2 i - 1 to 2 i + 2.

    Rows 2 to 4 become 3 to 10, and those 5 to 22. The columns end at the frame's border.
    """
    config = network(code="grid", channels=(2, 3), latents=64)
    decoder = ConvDecoder((32, 32, 1), config, extra=1)
    all_positive(decoder)
    codes = torch.zeros(3, 65)
    codes[1, 3 * 8 + 7] = 1  # row 3, column 7
    codes[2, 64] = 1  # the extra number
    images = decoder(codes)
    assert changed(images[0, 0], images[1, 0]) == (set(range(5, 23)), set(range(21, 32)))
    assert changed(images[0, 0], images[2, 0]) == (set(range(32)), set(range(32)))


@pytest.mark.parametrize("latents", [1, 6, 31])
@pytest.mark.parametrize("half", [partial(ConvEncoder, heads=2), ConvDecoder])
def test_latents_that_do_not_fill_the_grid_name_the_number_that_does(
    latents: int, half: Callable[..., nn.Module]
) -> None:
    config = network(code="grid", latents=latents)
    with pytest.raises(
        WorldvaeError, match=rf"latents = {latents}: .*2x4 cells .*multiple of 8 lat"
    ):
        half((32, 64, 3), config)


def test_cells_to_latents_and_back() -> None:
    cells, extra = torch.rand(2, 4, 2, 3), torch.rand(2, 5)
    codes = cells.flatten(1)  # as the encoder leaves them
    together = CellsAndExtra(latents=24, size=(2, 3))(torch.cat([codes, extra], dim=1))
    assert torch.equal(together[:, :4], cells)
    assert torch.equal(together[:, 4:, 1, 2], extra)
    assert (together[:, 4:] == extra[:, :, None, None]).all()
    assert torch.equal(CellsAndExtra(24, (2, 3))(codes), cells)


def peaks(*places: tuple[int, int], height: float = 50.0) -> Tensor:
    """One feature map of 3 x 5 with peaks at (row, column): (1, 1, 3, 5)."""
    maps = torch.zeros(1, 1, 3, 5)
    for row, column in places:
        maps[0, 0, row, column] = height
    return maps


@pytest.mark.parametrize(
    ("places", "column", "row", "log_sum"),
    [
        ([(0, 0)], -1.0, -1.0, 50.0),
        ([(1, 2)], 0.0, 0.0, 50.0),
        ([(1, 3)], 0.5, 0.0, 50.0),
        ([(2, 4)], 1.0, 1.0, 50.0),
        ([(0, 1), (2, 4)], 0.25, 0.0, 50.0 + math.log(2)),
        ([], 0.0, 0.0, math.log(15)),
    ],
)
def test_a_keypoint_by_hand(
    places: list[tuple[int, int]], column: float, row: float, log_sum: float
) -> None:
    """Rows of 3 lie at -1, 0, 1, columns of 5 at -1, -0.5, 0, 0.5, 1."""
    keypoint = SpatialSoftmax((3, 5))(peaks(*places))
    assert keypoint[0].tolist() == pytest.approx([column, row, log_sum], abs=1e-5)


def test_keypoints_are_ordered_by_kind_and_keep_to_their_maps() -> None:
    maps = torch.cat([peaks((0, 0)), peaks((2, 4), height=60.0)], dim=1)
    columns_rows_heights = SpatialSoftmax((3, 5))(maps)[0]
    assert columns_rows_heights.tolist() == pytest.approx([-1, 1, -1, 1, 50, 60])


def test_a_gradient_pulls_a_peak_to_where_it_should_be() -> None:
    maps = torch.zeros(1, 1, 3, 5, requires_grad=True)
    SpatialSoftmax((3, 5))(maps)[0, 0].backward()
    assert maps.grad is not None
    assert (maps.grad[0, 0, :, 3:] > 0).all()
    assert (maps.grad[0, 0, :, :2] < 0).all()
