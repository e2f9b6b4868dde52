"""Writes the decoder of an autoencoder as an ONNX model, node by node, as `onnx_graph` does it.

The decoder of an objective that is told actions is told none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from torch import nn

from worldvae.autoencoders.layers import Doubling, UnflattenCells
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.networks import CellsAndExtra
from worldvae.autoencoders.onnx_graph import CODES_NAME, FRAMES_NAME, Graph, array_of


def decoder_to_onnx(model: Autoencoder) -> bytes:
    """Return a serialised model of latents (B, Z) -> frames (B, H, W, C) float32 in [0, 1].

    It computes what `Autoencoder.decode` computes, for any B.
    """
    latents, floats = model.config.network.latents, onnx.TensorProto.FLOAT
    graph = Graph(helper.make_tensor_value_info(CODES_NAME, floats, ["B", latents]))
    _layers(graph, model)
    if model.config.pixels.standardise:
        graph.add("Mul", array_of(model.pixel_std)[None])
        graph.add("Add", array_of(model.pixel_mean)[None])
    else:
        graph.add("Sigmoid")
    graph.add("Clip", np.array(0, np.float32), np.array(1, np.float32))
    graph.add("Transpose", perm=[0, 2, 3, 1])
    frames = helper.make_tensor_value_info(FRAMES_NAME, floats, ["B", *model.shape])
    return graph.model("decoder", frames)


def _layers(graph: Graph, model: Autoencoder) -> None:
    # Numbers beside the latents are zeros, so that their weights are left out.
    told, spare = model.config.network.latents, model.action_size
    for layer in model.decoder:
        if isinstance(layer, CellsAndExtra):
            graph.add("Reshape", np.array([0, -1, *layer.size]))
            told = layer.latents // (layer.size[0] * layer.size[1])
        elif isinstance(layer, nn.Linear):
            weight, bias = array_of(layer.weight), array_of(layer.bias)
            graph.add("Gemm", weight[:, :told] if spare else weight, bias, transB=1)
        elif isinstance(layer, UnflattenCells):
            graph.add("Reshape", np.array([0, *layer.unflattened_size]))
        elif isinstance(layer, nn.ReLU):
            graph.add("Relu")
        elif isinstance(layer, nn.ConvTranspose2d):
            graph.add("ConvTranspose", array_of(layer.weight), _bias(layer), **_enlarging(layer))
        elif isinstance(layer, nn.Conv2d):
            pads = [1, 1, 1, 1]
            graph.add("Conv", array_of(layer.weight)[:, :told], _bias(layer), pads=pads)
        else:
            raise TypeError(f"no decoder has a layer such as {layer}")


def _enlarging(layer: nn.ConvTranspose2d) -> dict[str, Any]:
    rows, columns = (int(side) for side in layer.padding)
    odd = layer.odd if isinstance(layer, Doubling) else layer.output_padding
    return {
        "strides": list(layer.stride),
        "pads": [rows, columns, rows, columns],
        "output_padding": [int(side) for side in odd],
    }


def _bias(layer: nn.ConvTranspose2d | nn.Conv2d) -> NDArray[Any]:
    assert layer.bias is not None, "no layer of a decoder lacks it"
    return array_of(layer.bias)
