"""8 bits: what is rounded, how far that is from 32 bits, and what ONNX Runtime makes of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from sparsify.export.calibrate import calibrated
from sparsify.export.quantize import quantize
from sparsify.export.sparse import lower
from sparsify.export.summary import SUFFIX
from sparsify.kinds import lowering
from sparsify.runtime.domains import DOMAIN
from tests.sparsify.test_storage import pruned

RANDOM = np.random.default_rng(0)
WIDE = RANDOM.standard_normal((96, 64), dtype=np.float32)
BACK = RANDOM.standard_normal((96, 64), dtype=np.float32)
BIAS = RANDOM.standard_normal(96).astype(np.float32)
TABLE = RANDOM.standard_normal((80, 64), dtype=np.float32)
ROWS = ("batch", "rows", 64)
X = RANDOM.standard_normal((2, 5, 64), dtype=np.float32)
TOLERANCE = 0.03
"""Of the largest output: two layers, each with inputs and weights in 255 steps."""
LAYERS = [
    helper.make_node("Transpose", ["wide"], ["turned"], perm=[1, 0]),
    helper.make_node("MatMul", ["x", "turned"], ["product"]),
    helper.make_node("Add", ["product", "bias"], ["sum"]),
    helper.make_node("Relu", ["sum"], ["hidden"]),
    helper.make_node("MatMul", ["hidden", "back"], ["y"]),
]


def model(nodes: list[NodeProto], shape: tuple[int | str, ...], **stored: np.ndarray) -> ir.Model:
    kind = TensorProto.INT64 if shape == ("rows",) else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return ir.serde.deserialize_model(onnx.shape_inference.infer_shapes(made))


def layers() -> ir.Model:
    return model(LAYERS, ROWS, wide=WIDE, back=BACK, bias=BIAS)


def outputs(made: ir.Model, x: np.ndarray, optimized: Path | None = None) -> np.ndarray:
    proto = ir.to_proto(made)
    onnx.checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    found: np.ndarray = session.run(["y"], {"x": x})[0]
    return found


@pytest.mark.parametrize("mode", ["dynamic", "static"])
def test_layers_are_rounded_to_within_their_steps_and_run_as_one_operator(
    mode: str, tmp_path: Path
) -> None:
    expected = outputs(layers(), X)
    made = layers()
    ranges = calibrated(made, [{"x": X}, {"x": X[:1]}], tmp_path) if mode == "static" else None
    sizes = quantize(made, ranges)
    assert sizes == {"wide": 96 * 64 + 4 * 96, "back": 96 * 64 + 4 * 64}
    found = outputs(made, X, tmp_path / "optimized.onnx")
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    fused = "DynamicQuantizeMatMul" if mode == "dynamic" else "MatMulIntegerToFloat"
    assert kinds[fused] == 2
    assert not {"MatMul", "MatMulInteger", "DequantizeLinear"} & set(kinds)


def test_ranges_are_those_of_all_batches_and_leave_the_model_alone(tmp_path: Path) -> None:
    made = layers()
    before = ir.to_proto(made).SerializeToString()
    found = calibrated(made, [{"x": X[:1]}, {"x": X[1:]}], tmp_path)
    assert found.keys() == {"x", "hidden"}
    assert found["x"] == (X.min(), X.max())
    assert found["hidden"][0] == 0
    assert ir.to_proto(made).SerializeToString() == before


def test_a_weight_keeps_its_name_its_layout_and_its_zeros() -> None:
    made = layers()
    zeros = made.graph.initializers["wide"]
    zeros.const_value = ir.tensor(WIDE * (np.abs(WIDE) > 1), name="wide")
    quantize(made)
    stored = made.graph.initializers[f"wide{SUFFIX}"].const_value.numpy()
    assert (stored.shape, stored.dtype) == ((96, 64), np.int8)
    assert (stored[np.abs(WIDE) <= 1] == 0).all()
    assert np.abs(stored).max(axis=1).tolist() == [127] * 96


def test_an_embedding_that_is_also_the_output_layer_is_stored_once() -> None:
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["rows"]),
        helper.make_node("Transpose", ["table"], ["turned"]),
        helper.make_node("MatMul", ["rows", "turned"], ["y"]),
    ]
    ids = np.array([3, 7, 79])
    expected = outputs(model(nodes, ("rows",), table=TABLE), ids)
    made = model(nodes, ("rows",), table=TABLE)
    assert quantize(made) == {"table": 80 * 64 + 4 * 80}
    found = outputs(made, ids)
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()
    assert "table" not in made.graph.initializers


@pytest.mark.parametrize(
    ("nodes", "weight"),
    [
        ([helper.make_node("MatMul", ["x", "w"], ["y"])], np.ones((64, 8), np.float32)),
        ([helper.make_node("MatMul", ["x", "w"], ["y"])], np.ones((64, 80), np.float64)),
        (
            [
                helper.make_node("MatMul", ["x", "w"], ["product"]),
                helper.make_node("ReduceSum", ["w"], ["sum"]),
                helper.make_node("Add", ["product", "sum"], ["y"]),
            ],
            np.ones((64, 80), np.float32),
        ),
        ([helper.make_node("Sub", ["x", "w"], ["y"])], np.ones((64, 64), np.float32)),
    ],
    ids=["small", "64-bit", "read by others", "no product"],
)
def test_what_does_not_fit_stays_as_it_is(
    nodes: list[NodeProto], weight: np.ndarray, tmp_path: Path
) -> None:
    made = model(nodes, ROWS, w=weight)
    before = ir.to_proto(made).SerializeToString()
    assert calibrated(made, [{"x": X}], tmp_path) == {}
    assert quantize(made) == {}
    assert ir.to_proto(made).SerializeToString() == before


def test_a_gemm_keeps_its_bias() -> None:
    nodes = [helper.make_node("Gemm", ["x", "wide", "bias"], ["y"], transB=1)]
    expected = outputs(model(nodes, ("rows", 64), wide=WIDE, bias=BIAS), X[0])
    made = model(nodes, ("rows", 64), wide=WIDE, bias=BIAS)
    quantize(made)
    assert np.abs(outputs(made, X[0]) - expected).max() < TOLERANCE * np.abs(expected).max()


def test_sparse_weights_stay_sparse_beside_8_bits() -> None:
    made = model(LAYERS, ROWS, wide=WIDE, back=pruned(96, 64, 0.9), bias=BIAS)
    lower(made, lowering.choose("sparse"), eight_bits=True)
    assert set(quantize(made)) == {"wide"}
    assert DOMAIN in {node.domain for node in made.graph}
    expected = outputs(model(LAYERS, ROWS, wide=WIDE, back=pruned(96, 64, 0.9), bias=BIAS), X)
    assert np.abs(outputs(made, X) - expected).max() < TOLERANCE * np.abs(expected).max()
