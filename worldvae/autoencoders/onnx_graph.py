"""Writes a frozen encoder as an ONNX model, node by node.

Its layers are few and known, so this takes milliseconds; torch's exporter traces the model for
seconds and needs one more library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from worldvae.autoencoders.frozen import FrozenEncoder
from worldvae.autoencoders.networks import SpatialSoftmax

OPSET, IR = 18, 9  # of 2023, so that any onnxruntime of the last years reads them
FRAMES_NAME, CODES_NAME = "frames", "codes"


class Graph:
    """A chain of nodes, each of which reads the output of the one before, with their constants.

    Args:
        inputs: What the first node reads.
    """

    def __init__(self, inputs: onnx.ValueInfoProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs, self.last = inputs, inputs.name

    def add(
        self, kind: str, *constants: NDArray[Any], reads: Iterable[str] = (), **how: Any
    ) -> str:
        """Append a node of `kind` that reads the last output, or `reads`, and then `constants`."""
        names = [*(reads or (self.last,)), *(self._constant(value) for value in constants)]
        self.last = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [self.last], **how))
        return self.last

    def model(self, name: str, outputs: onnx.ValueInfoProto) -> bytes:
        """Return the chain as a serialised model, whose `outputs` are those of the last node."""
        self.nodes[-1].output[0] = outputs.name
        proto = helper.make_graph(self.nodes, name, [self.inputs], [outputs], self.constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(proto, opset_imports=[opset], ir_version=IR)
        return bytes(model.SerializeToString())

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def to_onnx(encoder: FrozenEncoder, shape: tuple[int, int, int]) -> bytes:
    """Return `encoder` as a serialised model of frames (B, *shape) uint8 -> (B, Z), for any B."""
    uint8, floats = onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT
    graph = Graph(helper.make_tensor_value_info(FRAMES_NAME, uint8, ["B", *shape]))
    graph.add("Transpose", perm=[0, 3, 1, 2])
    graph.add("Cast", to=floats)
    first, *others = encoder.layers
    assert isinstance(first, nn.Conv2d)
    _convolution(graph, first, _pixels(graph, encoder))
    for layer in others:
        WRITERS[type(layer)](graph, layer)
    graph.add("Identity")
    return graph.model("encoder", helper.make_tensor_value_info(CODES_NAME, floats, ["B", "Z"]))


def _pixels(graph: Graph, encoder: FrozenEncoder) -> float:
    """Add the nodes that standardise pixels, (x / 255 - mean) / std, if the encoder does.

    Return the factor that the next layer has to apply to the pixels.
    """
    if encoder.units is None:
        return 1 / 255
    mean, std = (array_of(unit) for unit in encoder.units)
    graph.add("Mul", 1 / (255 * std))
    graph.add("Sub", mean / std)
    return 1.0


def _convolution(graph: Graph, layer: nn.Conv2d, scale: float = 1.0) -> None:
    """Add `layer` of `scale` times its input, by scaling its weights and not the pixels."""
    weight, bias = _parameters(layer)
    rows, columns = (int(side) for side in layer.padding)
    strides, pads = list(layer.stride), [rows, columns, rows, columns]
    graph.add("Conv", scale * weight, bias, strides=strides, pads=pads)


def _dense(graph: Graph, layer: nn.Linear) -> None:
    graph.add("Gemm", *_parameters(layer), transB=1)


def _relu(graph: Graph, layer: nn.ReLU) -> None:
    graph.add("Relu")


def _flatten(graph: Graph, layer: nn.Flatten) -> None:
    graph.add("Flatten", axis=layer.start_dim)


def _spatial_softmax(graph: Graph, layer: SpatialSoftmax) -> None:
    """Return (B, K, h, w) -> (B, 3 K): all expected columns, all rows, all log-sum-exps."""
    rows, columns = array_of(layer.rows), array_of(layer.columns)
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)  # (h w, 2)
    maps = graph.add("Reshape", np.array([0, 0, -1]))  # (B, K, h w)
    graph.add("Softmax", axis=2)
    expected = graph.add("MatMul", places)  # (B, K, 2)
    log_sums = graph.add("ReduceLogSumExp", np.array([2]), reads=[maps])  # (B, K, 1)
    graph.add("Concat", reads=[expected, log_sums], axis=2)
    graph.add("Transpose", perm=[0, 2, 1])
    graph.add("Reshape", np.array([0, -1]))


WRITERS: dict[type[nn.Module], Callable[[Graph, Any], None]] = {
    nn.Conv2d: _convolution,
    nn.Linear: _dense,
    nn.ReLU: _relu,
    nn.Flatten: _flatten,
    SpatialSoftmax: _spatial_softmax,
}


def _parameters(layer: nn.Conv2d | nn.Linear) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return weight and bias."""
    weight, bias = layer.parameters()
    return array_of(weight), array_of(bias)


def array_of(tensor: Tensor) -> NDArray[Any]:
    """Return the numbers of `tensor`."""
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array
