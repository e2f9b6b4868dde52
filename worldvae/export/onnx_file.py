"""Writes ONNX files with torch's exporter, and their metadata."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch.jit._trace import TracerWarning

from worldvae.errors import ArtifactError
from worldvae.export.signature import METADATA, ExportCard, ExportedGraph, TensorSpec
from worldvae.extras import import_extra
from worldvae.files import atomic_write_bytes

OPSET = 18  # of 2023, so that any onnxruntime of the last years reads it

BATCH = "N"
"""The letter of the number of environments in the shapes of a file."""


def check_onnx() -> None:
    """Raise ConfigError unless the packages that write ONNX files can be imported."""
    for package in ("onnx", "onnxruntime"):
        import_extra("an export", package)


def write_onnx(path: Path, graph: ExportedGraph, card: ExportCard) -> None:
    """Write `graph` with its metadata to `path`, which is whole or not there at any moment.

    Raises ConfigError if the extra that exports need is not installed.
    """
    check_onnx()
    atomic_write_bytes(path, onnx_bytes(graph, card))


def onnx_bytes(graph: ExportedGraph, card: ExportCard) -> bytes:
    """Return the content of the file that `write_onnx` writes."""
    about = f"{card.kind} of {card.env_id}; the metadata {METADATA!r} describe it"
    return model_bytes(graph, about, {METADATA: card.model_dump_json()})


def model_bytes(graph: ExportedGraph, about: str, metadata: dict[str, str]) -> bytes:
    """Return `graph` as the content of an ONNX file, with these texts in it.

    Raises ArtifactError if it computes what torch's exporter knows no ONNX for.
    """
    import onnx

    _check_names(graph)
    try:
        model = onnx.load_from_string(_traced(graph))
    except RuntimeError as error:  # whatever torch finds wrong is one
        reason = str(error).partition("\n")[0]
        raise ArtifactError(f"torch cannot write this as ONNX ({about}): {reason}") from error
    _count_axes_from_0(model.graph)
    given = {value.name: value for value in model.graph.input}
    del model.graph.input[:]
    for spec in graph.inputs:  # the exporter leaves out those that nothing reads
        model.graph.input.append(given.get(spec.name) or _value_info(spec))
    del model.graph.output[:]  # of which the exporter knows not every shape
    model.graph.output.extend(map(_value_info, graph.outputs))
    for value, spec in [
        *zip(model.graph.input, graph.inputs, strict=True),
        *zip(model.graph.output, graph.outputs, strict=True),
    ]:
        value.doc_string = spec.meaning
    model.producer_name = "worldvae"
    model.doc_string = about
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _check_names(graph: ExportedGraph) -> None:
    """Raise ValueError if two inputs or outputs share a name, of which one would be lost."""
    counts = Counter(spec.name for spec in (*graph.inputs, *graph.outputs))
    if shared := [name for name, count in counts.items() if count > 1]:
        raise ValueError(f"more than one input or output is called {', '.join(shared)}")


def _count_axes_from_0(graph: Any) -> None:
    """Mend what the exporter makes of torch's movedim: ONNX knows no axis below 0 in Transpose."""
    for node in (node for node in graph.node if node.op_type == "Transpose"):
        (order,) = node.attribute
        order.ints[:] = [axis % len(order.ints) for axis in order.ints]


def _traced(graph: ExportedGraph) -> bytes:
    """Return what torch's exporter makes of `graph`."""
    file, specs = io.BytesIO(), (*graph.inputs, *graph.outputs)
    with warnings.catch_warnings():
        # The newer exporter, which it recommends, needs one more library, onnxscript.
        warnings.simplefilter("ignore", DeprecationWarning)
        # All shapes but N are constants here, which it warns of.
        warnings.simplefilter("ignore", TracerWarning)
        torch.onnx.export(
            graph.eval(),
            tuple(example(spec) for spec in graph.inputs),
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=[spec.name for spec in graph.inputs],
            output_names=[spec.name for spec in graph.outputs],
            dynamic_axes={spec.name: {0: BATCH} for spec in specs},
        )
    return file.getvalue()


def example(spec: TensorSpec) -> torch.Tensor:
    """Return zeros for two environments, of the type and shape of `spec`."""
    dtype: torch.dtype = getattr(torch, spec.dtype)
    return torch.zeros(2, *spec.shape, dtype=dtype)


def _value_info(spec: TensorSpec) -> Any:
    import numpy as np
    import onnx

    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return onnx.helper.make_tensor_value_info(spec.name, kind, [BATCH, *spec.shape])
