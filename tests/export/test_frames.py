"""Preprocessing inside of a file is that of `worldvae.envs.frames`, to the bit."""

from itertools import product
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from worldvae.envs.frames import FrameConfig, preprocess, preprocess_batch
from worldvae.envs.observations import ImageLayout
from worldvae.errors import WorldvaeError
from worldvae.export.frames import FrameReader
from worldvae.export.interface import frame_spec
from worldvae.export.onnx_file import onnx_bytes
from worldvae.export.signature import ExportCard, ExportedGraph, Tensors, TensorSpec

SOURCES = [
    (96, 96),  # CarRacing
    (210, 160),  # Atari
    (120, 160),  # ViZDoom
    (128, 128),  # twice 64: the only factor at which a half is rounded up
    (128, 192),  # whole factors, one of them 2
    (64, 160),  # one side stays
    (131, 97),
    (40, 40),  # grows
    (33, 200),  # one side grows, one shrinks
]
TARGETS = [(64, 64), (84, 84), (40, 41), (128, 96)]
CROPS = [{}, {"top": 3, "left": 2, "right": 5}]
LAST = ImageLayout("last", 255.0)


def images(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.uint8]:
    """Noise, and black and white, in which ties are common."""
    noise = np.random.default_rng(seed).integers(0, 256, (2, *shape), np.uint8)
    noise[1] = 255 * (noise[1] > 127)
    return noise


@pytest.mark.parametrize("source", SOURCES)
def test_every_grey_level_is_that_of_opencv(source: tuple[int, int]) -> None:
    """Largest difference over 4 sizes x colours x crops x channels: none, not of one level."""
    for size, color, crop, channels in product(TARGETS, ("rgb", "gray"), CROPS, (1, 3)):
        config = FrameConfig.model_validate(
            {"height": size[0], "width": size[1], "color": color, "crop": crop}
        )
        shown = images((*source, channels))
        frames = FrameReader(LAST, shown.shape[1:], config)(torch.from_numpy(shown)).numpy()
        assert frames.dtype == np.uint8
        np.testing.assert_array_equal(
            frames, preprocess_batch(shown, config), f"{size} {color} {crop} {channels}"
        )


class Reading(ExportedGraph):
    """Preprocessing alone."""

    def __init__(self, layout: ImageLayout, shape: tuple[int, ...], dtype: str) -> None:
        super().__init__()
        self.config = FrameConfig(height=48, width=72, color="gray")
        self.read = FrameReader(layout, shape, self.config)
        self.inputs = (frame_spec(shape, dtype, layout, "a test shows"),)
        self.outputs = (TensorSpec(name="out", dtype="uint8", shape=(48, 72, 1), meaning=""),)

    def compute(self, tensors: Tensors) -> Tensors:
        return {"out": self.read(tensors["frame"])}


CARD: dict[str, Any] = {"made_from": {}, "env_id": "a test", "preprocessing": "", "settings": {}}


def run(graph: ExportedGraph, *inputs: NDArray[Any]) -> NDArray[Any]:
    specs = {"inputs": graph.inputs, "outputs": graph.outputs}
    card = ExportCard(kind="encoder", versions={}, **specs, **CARD)
    session = onnxruntime.InferenceSession(onnx_bytes(graph, card))
    names = [spec.name for spec in graph.inputs]
    (out,) = session.run(None, dict(zip(names, inputs, strict=True)))
    return np.asarray(out)


@pytest.mark.parametrize("source", [(210, 160), (96, 96), (128, 144), (40, 50), (30, 200)])
def test_a_file_keeps_every_bit(source: tuple[int, int]) -> None:
    shown = images((*source, 3))
    graph = Reading(LAST, shown.shape[1:], "uint8")
    np.testing.assert_array_equal(run(graph, shown), preprocess_batch(shown, graph.config))
    assert run(graph, shown[:1]).shape == (1, 48, 72, 1), "any N"


@pytest.mark.parametrize(
    ("layout", "shape", "dtype"),
    [
        (ImageLayout("first", 255.0), (3, 60, 90), "uint8"),
        (ImageLayout("none", 255.0), (60, 90), "uint8"),
        (ImageLayout("last", 1.0), (60, 90, 3), "float32"),
        (ImageLayout("first", 1.0), (1, 60, 90), "float64"),
        (ImageLayout("last", 1.0), (60, 90, 3), "uint8"),
    ],
)
def test_a_frame_lies_as_the_environment_shows_it(
    layout: ImageLayout, shape: tuple[int, ...], dtype: str
) -> None:
    shown: NDArray[Any] = images(shape)
    if layout.white == 1:
        shown = np.random.default_rng(1).random((2, *shape))
        shown = (shown > 0.5 if dtype == "uint8" else shown).astype(dtype)
    graph = Reading(layout, shape, dtype)
    expected = [preprocess(layout.frame(image), graph.config) for image in shown]
    np.testing.assert_array_equal(run(graph, shown), expected)


def test_a_crop_of_everything_is_one_line() -> None:
    config = FrameConfig.model_validate({"crop": {"top": 40}})
    with pytest.raises(WorldvaeError, match=r"leaves nothing of a frame of 40x50"):
        FrameReader(LAST, (40, 50, 3), config)
