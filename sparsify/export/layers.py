"""One linear layer alone in ONNX Runtime, dense or sparse, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

from sparsify.export import portable
from sparsify.runtime.domains import DOMAIN
from sparsify.runtime.session import session_options
from sparsify.storage import Stored, quantized, written

OPSET, IR = 20, 10
MICROSOFT = "com.microsoft"
ROUNDS = (5, 200)
"""How often each layer runs at least and at most."""


def opened(
    weight: np.ndarray | Stored, threads: int, *, eight_bits: bool = False
) -> onnxruntime.InferenceSession:
    """A session that multiplies `x` f32[tokens, inputs] with a weight [outputs, inputs].

    A sparse one has no function for other runtimes: it needs the sparse kernels. A dense one may
    be computed in 8 bits.
    """
    if isinstance(weight, Stored):
        node, parts = _sparse(weight)
    else:
        node, parts = (_dense_in_eight_bits if eight_bits else _dense)(weight)
    outputs, inputs = weight.shape
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["tokens", size])
        for name, size in (("x", inputs), ("y", outputs))
    ]
    stored = [numpy_helper.from_array(array, name) for name, array in parts.items()]
    graph = helper.make_graph([node], "layer", ends[:1], ends[1:], stored)
    versions = {"": OPSET, DOMAIN: portable.VERSION, MICROSOFT: 1}
    opsets = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR).SerializeToString()
    options = session_options(threads, sparse=isinstance(weight, Stored))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _dense(weight: np.ndarray) -> tuple[NodeProto, dict[str, np.ndarray]]:
    parts = {"weight": np.ascontiguousarray(weight.T)}
    return helper.make_node("MatMul", ["x", "weight"], ["y"]), parts


def _dense_in_eight_bits(weight: np.ndarray) -> tuple[NodeProto, dict[str, np.ndarray]]:
    """What ONNX Runtime makes of DynamicQuantizeLinear and MatMulInteger."""
    whole, scales = quantized(weight)
    parts = {
        "weight": np.ascontiguousarray(whole.T).astype(np.int8),
        "scale": scales.ravel(),
    }
    node = helper.make_node("DynamicQuantizeMatMul", ["x", *parts], ["y"], domain=MICROSOFT)
    return node, parts


def _sparse(weight: Stored) -> tuple[NodeProto, dict[str, np.ndarray]]:
    parts = {"bias": np.zeros(1, np.float32), **weight.tensors()}
    *where, scales = weight.tensors()
    node = helper.make_node(
        portable.operator(portable.form_of(weight), ""),
        ["x", *where, "bias", scales],
        ["y"],
        domain=DOMAIN,
        shape=list(weight.shape),
        block=list(weight.block),
    )
    return node, parts


def thinned(
    weight: np.ndarray, kept: np.ndarray, block: tuple[int, int], *, integers: bool
) -> Stored:
    """The blocks of `weight` that the corner of `kept`, a truth value for each, leaves."""
    down, across = block
    grid = kept[: weight.shape[0] // down, : weight.shape[1] // across]
    left = weight * np.repeat(np.repeat(grid, down, axis=0), across, axis=1)
    stored = written(left, block, "csr", "int8" if integers else "f32")
    return replace(stored, integers=integers)


def milliseconds(
    layers: Sequence[onnxruntime.InferenceSession],
    inputs: np.ndarray,
    *,
    threads: int,
    seconds: float,
) -> list[float]:
    """The median of each layer's runs, in turns; who begins changes with every round.

    Args:
        layers: the sessions.
        inputs: f32[tokens, inputs], for all of them.
        threads: of the sessions; one thread is timed by its own clock, that other processes do not
            turn.
        seconds: after these no further round begins.
    """
    clock = time.thread_time if threads == 1 else time.perf_counter
    feed = {"x": inputs}
    for layer in layers:
        layer.run(None, feed)
    times: list[list[float]] = [[] for _ in layers]
    deadline = time.perf_counter() + seconds
    for number in range(ROUNDS[1]):
        if number >= ROUNDS[0] and time.perf_counter() > deadline:
            break
        for turn in range(len(layers)):
            which = (turn + number) % len(layers)
            started = clock()
            layers[which].run(None, feed)
            times[which].append(1e3 * (clock() - started))
    return [float(np.median(each)) for each in times]
