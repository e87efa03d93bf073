"""One linear layer in an ONNX file, with its weight stored sparse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from sparsify.export import portable
from sparsify.runtime.domains import DOMAIN
from sparsify.runtime.library import library_path
from sparsify.storage import Kind, Stored, decoded, written

SIGNS = {"gaps": "gaps", "2 of 4": "positions"}
"""By which input a form is known."""
Arrays = dict[str, np.ndarray]


def pruned(
    shape: tuple[int, int], block: tuple[int, int], sparsity: float, seed: int
) -> np.ndarray:
    """A random weight [outputs, inputs] in which whole blocks are zero."""
    random = np.random.default_rng(seed)
    grid = random.random((shape[0] // block[0], shape[1] // block[1])) >= sparsity
    kept = np.repeat(np.repeat(grid, block[0], axis=0), block[1], axis=1)
    return (random.standard_normal(shape) * kept).astype(np.float32)


def stored(
    weight: np.ndarray,
    block: tuple[int, int] = (1, 1),
    form: str = "gaps",
    *,
    integers: bool = False,
) -> Stored:
    """`weight` in one of the forms, whatever its size."""
    kind: Kind = "gaps u8" if form == "gaps" else "csr"
    return replace(written(weight, block, kind, "int8" if integers else "f32"), integers=integers)


def product_of_integers(weight: Stored, inputs: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a layer that multiplies integers computes, exact but for its two scales."""
    zero, steps = np.float32(0), np.float32(255)
    lowest = np.minimum(inputs.min(axis=1, keepdims=True), zero)
    highest = np.maximum(inputs.max(axis=1, keepdims=True), zero)
    scale = np.maximum((highest - lowest) / steps, np.float32(1e-30))
    inverse = np.float32(1) / scale
    zero_point = np.round(-lowest * inverse)
    rounded = np.clip(np.round(inputs * inverse) + zero_point, 0, 255) - zero_point
    whole = np.rint(decoded(weight) / weight.scales).astype(np.int64)
    sums = rounded.astype(np.int64) @ whole.T
    scaled: np.ndarray = sums * (scale.astype(np.float64) * weight.scales.T) + bias
    return scaled


def tensors(weight: Stored, bias: np.ndarray | None = None) -> Arrays:
    """The inputs of the operator after the first, in order."""
    parts = weight.tensors()
    scales = parts.pop("scales")
    return {**parts, "bias": np.zeros(1, np.float32) if bias is None else bias, "scales": scales}


def layer(
    parts: Arrays,
    shape: Sequence[int],
    block: Sequence[int] = (1, 1),
    *,
    activation: str = "",
    rank: int = 2,
    fed: str = "",
    integers: bool = False,
) -> bytes:
    """A model of one operator; the part `fed` is an input of the model instead of stored."""
    form = (portable.INTEGER if integers else "") + next(
        (name for name, part in SIGNS.items() if part in parts), "csr"
    )
    free = [f"d{axis}" for axis in range(rank - 1)]
    node = helper.make_node(
        portable.operator(form, activation),
        ["x", *parts],
        ["y"],
        domain=DOMAIN,
        shape=list(shape),
        block=list(block),
    )
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [*free, None])]
    if fed:
        kind = helper.np_dtype_to_tensor_dtype(parts[fed].dtype)
        inputs.append(helper.make_tensor_value_info(fed, kind, parts[fed].shape))
    graph = helper.make_graph(
        [node],
        "layer",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [*free, None])],
        [numpy_helper.from_array(array, name) for name, array in parts.items() if name != fed],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(DOMAIN, portable.VERSION)]
    functions = [portable.function(form, activation, 20)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)
    serialized: bytes = model.SerializeToString()
    return serialized


def open_layer(
    model: bytes, *, threads: int = 1, sparse: bool = True
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if sparse:
        options.register_custom_ops_library(library_path())
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def check(model: bytes) -> None:
    onnx.checker.check_model(model, full_check=True)
