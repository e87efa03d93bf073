"""What is in an ONNX file: inputs, operators, weights and their zeros."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, numpy_helper

from sparsify.errors import Problem
from sparsify.export.portable import SHAPES, WEIGHT
from sparsify.runtime.domains import DOMAIN
from sparsify.runtime.sizes import beside

FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}

VALUES = ".values"
SUFFIX = "_quantized"
"""Of the name of 8-bit numbers, after the weight's; ONNX Runtime's own tools call them so."""
PARTS = {part for parts in WEIGHT.values() for part in parts} - {"bias"}
"""What the tensors of a sparse weight are called after its name."""


@dataclass(frozen=True)
class StoredWeight:
    """A floating-point tensor of two or more dimensions in an ONNX file."""

    name: str
    shape: tuple[int, ...]
    sparsity: float
    """The share of its numbers that are zero, 0 to 1."""
    size_bytes: int


@dataclass(frozen=True)
class OnnxSummary:
    """One ONNX file. Dimensions are numbers, or the names of those that vary."""

    inputs: dict[str, tuple[int | str, ...]]
    outputs: dict[str, tuple[int | str, ...]]
    opset: int
    nodes: dict[str, int]
    """How many nodes of each operator, the most frequent first."""
    size_bytes: int
    """Of the file and of the weights that lie beside it."""
    weights: tuple[StoredWeight, ...]

    @property
    def sparsity(self) -> float:
        """The share of zeros in all weights together, 0 to 1."""
        numbers = [math.prod(weight.shape) for weight in self.weights]
        zeros = [w.sparsity * n for w, n in zip(self.weights, numbers, strict=True)]
        return sum(zeros) / max(sum(numbers), 1)


def inspect_onnx(path: Path) -> OnnxSummary:
    """Read what is in the ONNX file at `path`.

    Raises:
        Problem: the file is missing, is no ONNX file, or its weights are missing.
    """
    model = _load(path)
    graph = model.graph
    return OnnxSummary(
        inputs={value.name: _shape(value) for value in graph.input},
        outputs={value.name: _shape(value) for value in graph.output},
        opset=next((o.version for o in model.opset_import if o.domain in {"", "ai.onnx"}), 0),
        nodes=dict(Counter(node.op_type for node in graph.node).most_common()),
        size_bytes=path.stat().st_size + sum(part.stat().st_size for part in beside(model, path)),
        weights=_weights(graph, path),
    )


def _load(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise Problem("no such file", where=str(path))
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError:
        raise Problem("not an ONNX file, or cut off", where=str(path)) from None
    if not model.HasField("graph"):
        raise Problem("not an ONNX file, or cut off", where=str(path))
    for part in beside(model, path):
        if not part.is_file():
            what = f"its weights are missing: {part.name}"
            raise Problem(what, where=str(path), hint="keep both in one folder")
    return model


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    dimensions = value.type.tensor_type.shape.dim
    return tuple(
        d.dim_param or (d.dim_value if d.HasField("dim_value") else "?") for d in dimensions
    )


def _weights(graph: onnx.GraphProto, path: Path) -> tuple[StoredWeight, ...]:
    """Those that are stored dense, and those that operators of `ai.sparsify` read."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.domain == DOMAIN]
    shapes = dict(pair for node in nodes for pair in _layers(node))
    parts = {name for node in nodes for name in node.input}
    dense = [
        _weight(tensor, path)
        for tensor in graph.initializer
        if len(tensor.dims) > 1 and _holds_a_weight(tensor) and tensor.name not in parts
    ]
    sparse = [_sparse_weight(name, shape, stored, path) for name, shape in shapes.items()]
    return (*dense, *sparse)


def _holds_a_weight(tensor: TensorProto) -> bool:
    return tensor.data_type in FLOATS or tensor.name.endswith(SUFFIX)


def _layers(node: onnx.NodeProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of each sparse weight that an operator reads, in order."""
    ints = {attribute.name: tuple(attribute.ints) for attribute in node.attribute}
    names = [name.removesuffix(VALUES) for name in node.input if name.endswith(VALUES)]
    yield from zip(names, (ints[key] for key in SHAPES if key in ints), strict=True)


def _sparse_weight(
    name: str, shape: tuple[int, ...], stored: Mapping[str, TensorProto], path: Path
) -> StoredWeight:
    """A weight in parts: `<name>.values`, `<name>.gaps` and so on."""
    arrays = {
        part: numpy_helper.to_array(tensor, base_dir=str(path.parent))
        for part, tensor in stored.items()
        if part.rpartition(".")[0] == name and part.rpartition(".")[2] in PARTS
    }
    count = int(np.count_nonzero(arrays[name + VALUES]))
    size = sum(array.nbytes for array in arrays.values())
    return StoredWeight(name, shape, 1 - count / max(math.prod(shape), 1), size)


def _weight(tensor: TensorProto, path: Path) -> StoredWeight:
    array = numpy_helper.to_array(tensor, base_dir=str(path.parent))
    zeros = array.size - int(np.count_nonzero(array))
    name = tensor.name.removesuffix(SUFFIX)
    return StoredWeight(name, tuple(tensor.dims), zeros / max(array.size, 1), array.nbytes)
