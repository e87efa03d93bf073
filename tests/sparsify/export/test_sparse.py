"""Sparse linear layers in an ONNX graph: one operator each, the same outputs with and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from sparsify.compare.onnx_files import compare_onnx
from sparsify.export import emit, inspect_onnx, parity, require
from sparsify.export.portable import FORMS
from sparsify.export.sparse import lower
from sparsify.kinds import Kind, lowering
from sparsify.report import StoredWeight
from sparsify.runtime import session
from sparsify.runtime.domains import DOMAIN, domains
from tests.sparsify.test_storage import pruned

TOLERANCE = 1e-5
WEIGHT = pruned(24, 40, 0.9)
BIAS = np.linspace(-1, 1, 24, dtype=np.float32)


def model(*nodes: onnx.NodeProto, shape: tuple[Any, ...] = ("rows", 40), **stored: Any) -> ir.Model:
    """From `x` to `y` through `nodes`, with the stored tensors."""
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return ir.serde.deserialize_model(onnx.shape_inference.infer_shapes(made))


def node(kind: str, *names: str, **attributes: Any) -> onnx.NodeProto:
    """A node that reads all names but the last, which it makes."""
    return helper.make_node(kind, list(names[:-1]), [names[-1]], **attributes)


def lowered(
    made: ir.Model,
    folder: Path,
    shape: tuple[int, ...] = (5, 40),
    within: float = TOLERANCE,
    **options: Any,
) -> tuple[list[str], list[StoredWeight]]:
    """The operators after lowering; the file computes what it did, with the kernels and without."""
    ir.save(made, folder / "before.onnx")
    report = [each.told for each in lower(made, lowering.choose("sparse", **options))]
    ir.save(made, folder / "after.onnx")
    onnx.checker.check_model(str(folder / "after.onnx"), full_check=True)
    feed = {"x": np.random.default_rng(0).standard_normal(shape).astype(np.float32)}
    expected = session(folder / "before.onnx", threads=1).run(None, feed)
    for sparse in (False, True):
        found = session(folder / "after.onnx", threads=1, sparse=sparse).run(None, feed)
        for one, other in zip(expected, found, strict=True):
            assert np.abs(one - other).max() <= within * np.abs(one).max()
    return [n.op_type for n in onnx.load(folder / "after.onnx").graph.node], report


LAYER = [
    node("Transpose", "weight", "turned", perm=[1, 0]),
    node("MatMul", "x", "turned", "product"),
]


@pytest.mark.parametrize(
    ("tail", "operators"),
    [
        ([node("Add", "product", "bias", "y")], ["GapLinear"]),
        ([node("Add", "bias", "product", "h"), node("Relu", "h", "y")], ["GapLinearRelu"]),
        ([node("Add", "product", "bias", "h"), node("Gelu", "h", "y")], ["GapLinearGelu"]),
        ([node("Gelu", "product", "y", approximate="tanh")], ["GapLinearGeluTanh"]),
        ([node("Sigmoid", "product", "s"), node("Mul", "s", "product", "y")], ["GapLinearSilu"]),
        ([node("Add", "product", "product", "y")], ["GapLinear", "Add"]),
        ([node("Add", "product", "one", "y")], ["GapLinear", "Add"]),
        ([node("Relu", "product", "h"), node("Add", "product", "h", "y")],
         ["GapLinear", "Relu", "Add"]),
        ([node("Sigmoid", "product", "s"), node("Mul", "s", "s", "y")],
         ["GapLinear", "Sigmoid", "Mul"]),
    ],
)  # fmt: skip
def test_bias_and_activation_become_part_of_the_operator(
    tail: list[onnx.NodeProto], operators: list[str], tmp_path: Path
) -> None:
    made = model(*LAYER, *tail, weight=WEIGHT, bias=BIAS, one=np.float32(1.5))
    assert lowered(made, tmp_path)[0] == operators


@pytest.mark.parametrize(
    ("layer", "weight"),
    [
        (node("MatMul", "x", "weight", "y"), WEIGHT.T),
        (node("Gemm", "x", "weight", "y"), WEIGHT.T),
        (node("Gemm", "x", "weight", "bias", "y", transB=1), WEIGHT),
        (node("Gemm", "x", "weight", "bias", "y"), WEIGHT.T),
    ],
)
def test_products_are_known_in_every_spelling(
    layer: onnx.NodeProto, weight: np.ndarray, tmp_path: Path
) -> None:
    made = model(layer, weight=np.ascontiguousarray(weight), bias=BIAS)
    assert lowered(made, tmp_path)[0] == ["GapLinear"]


@pytest.mark.parametrize("form", ["csr", "gaps"])
@pytest.mark.parametrize("values", ["f32", "f16", "int8"])
@pytest.mark.parametrize("block", [(1, 1), (4, 1), (2, 4)])
def test_every_form_runs_without_the_kernels(
    form: Any, values: Any, block: tuple[int, int], tmp_path: Path
) -> None:
    # whole numbers with 127 in every row that is not zero: no type of values rounds them
    weight = np.clip(np.round(pruned(24, 40, 0.8, block) * 30), -126, 126)
    rows = np.flatnonzero(weight.any(axis=1))
    weight[rows, np.abs(weight[rows]).argmax(axis=1)] = 127
    made = model(*LAYER[:1], node("MatMul", "x", "turned", "y"), weight=weight)
    names, report = lowered(made, tmp_path, storage=form, values=values)
    assert names == [FORMS[form]]
    assert report[0].stored_bytes < report[0].dense_bytes


@pytest.mark.parametrize("activations", ["f32", "int8"])
@pytest.mark.parametrize("tokens", [1, 70])
def test_two_of_four_runs_without_the_kernels(
    activations: str, tokens: int, tmp_path: Path
) -> None:
    kept = np.random.default_rng(0).random((24, 10, 4)).argsort(axis=2) < 2
    weight = pruned(24, 40, 0.0) * kept.reshape(24, 40)
    made = model(*LAYER[:1], node("MatMul", "x", "turned", "y"), weight=weight)
    within = TOLERANCE if activations == "f32" else 0.03
    names, report = lowered(made, tmp_path, (tokens, 40), within, activations=activations)
    quantized = "DynamicQuantize" if activations == "int8" else ""
    assert names == [f"{quantized}TwoOfFourLinear"]
    assert report[0].form == "2 of 4" + (", int8 x int8" if quantized else "")
    (told,) = inspect_onnx(tmp_path / "after.onnx").weights
    # a scale of one is a tensor that weights share
    assert told.size_bytes == report[0].stored_bytes - (0 if quantized else 4)
    found = compare_onnx(tmp_path / "before.onnx", tmp_path / "after.onnx").sections[-1]
    assert [(each.new or {}).get("stored") for each in found.changes][-1] == "2 of 4"


@pytest.mark.parametrize("shape", [(5, 40), (2, 3, 40), (1, 40)])
def test_stock_onnx_runtime_folds_the_weight_into_one_product(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    import onnxruntime

    free = tuple(f"d{axis}" for axis in range(len(shape) - 1))
    tail = node("Add", "product", "bias", "y")
    made = model(*LAYER, tail, shape=(*free, 40), weight=WEIGHT, bias=BIAS)
    lowered(made, tmp_path, shape)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    onnxruntime.InferenceSession(
        str(tmp_path / "after.onnx"), options, providers=["CPUExecutionProvider"]
    )
    folded = [n.op_type for n in onnx.load(tmp_path / "folded.onnx").graph.node]
    assert folded in (["Gemm"], ["MatMul", "Add"])


def test_two_layers_share_one_stored_weight(tmp_path: Path) -> None:
    made = model(
        node("Gemm", "x", "weight", "left", transB=1),
        node("Relu", "x", "positive"),
        node("Gemm", "positive", "weight", "bias", "right", transB=1),
        node("Add", "left", "right", "y"),
        weight=WEIGHT, bias=BIAS,
    )  # fmt: skip
    names, report = lowered(made, tmp_path)
    assert names.count("GapLinear") == 2
    assert [weight.name for weight in report] == ["weight"]
    stored = [t.name for t in onnx.load(tmp_path / "after.onnx").graph.initializer]
    assert stored.count("weight.values") == 1
    assert "weight" not in stored


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (node("MatMul", "t", "weight", "o"), "it is read both as it is and transposed"),
        (node("Gather", "weight", "ids", "o"), "Gather reads it, too"),
    ],
)
def test_a_weight_with_other_readers_stays_dense(
    other: onnx.NodeProto, reason: str, tmp_path: Path
) -> None:
    made = model(
        *LAYER[:1], node("MatMul", "x", "turned", "t"), other, node("Shape", "o", "s"),
        node("Expand", "t", "ones", "y"), weight=WEIGHT, ids=np.array([0, 1]),
        ones=np.array([1, 1]),
    )  # fmt: skip
    names, report = lowered(made, tmp_path)
    assert "GapLinear" not in names
    assert (report[0].form, report[0].reason) == ("dense", reason)


@pytest.mark.parametrize(
    ("shape", "tokens"),
    [
        (("batch", "sequence", 40), 96),
        (("batch*sequence", 40), 96),
        (("batch", 40), 3),
        (("batch", 5, 40), 15),
        (("unknown", 40), 96),
    ],
)
def test_a_lowering_is_told_how_many_tokens_a_layer_gets(
    shape: tuple[Any, ...], tokens: int
) -> None:
    asked: list[int | None] = []
    kind = Kind("lowering", "a test's own", ("array", "usual_tokens"))

    @kind
    def ask(array: np.ndarray, usual_tokens: int | None) -> np.ndarray:
        asked.append(usual_tokens)
        return array

    made = model(*LAYER, node("Add", "product", "bias", "y"), shape=shape, weight=WEIGHT, bias=BIAS)
    lower(made, kind.choose("ask"), {"batch": 3, "sequence": 32})
    assert asked == [tokens]


def test_weights_keep_their_names_and_the_summary_knows_them(tmp_path: Path) -> None:
    made = model(*LAYER, node("Add", "product", "bias", "y"), weight=WEIGHT, bias=BIAS)
    report = lowered(made, tmp_path)[1]
    assert domains(tmp_path / "after.onnx") == {"", DOMAIN}
    assert domains(tmp_path / "before.onnx") == {""}
    summary = inspect_onnx(tmp_path / "after.onnx")
    assert [(w.name, w.shape) for w in summary.weights] == [("weight", (24, 40))]
    assert summary.weights[0].sparsity == pytest.approx((WEIGHT == 0).mean())
    assert summary.weights[0].size_bytes <= report[0].stored_bytes


def test_the_shape_of_the_output_is_inferred(tmp_path: Path) -> None:
    lowered(model(*LAYER[:1], node("MatMul", "x", "turned", "y"), weight=WEIGHT), tmp_path)
    after = onnx.load(tmp_path / "after.onnx")
    del after.graph.output[0].type.tensor_type.shape.dim[:]
    after.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(after, strict_mode=True, data_prop=True)
    dims = inferred.graph.output[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dims] == ["rows", 24]


def test_stored_weights_may_lie_beside_the_file(tmp_path: Path) -> None:
    made = model(*LAYER[:1], node("MatMul", "x", "turned", "y"), weight=WEIGHT)
    lowered(made, tmp_path)
    ir.save(made, tmp_path / "apart.onnx", external_data="apart.data", size_threshold_bytes=0)
    assert (tmp_path / "apart.data").stat().st_size > 0
    feed = {"x": np.ones((3, 40), np.float32)}
    for sparse in (False, True):
        found = session(tmp_path / "apart.onnx", threads=1, sparse=sparse).run(None, feed)[0]
        assert np.allclose(found, WEIGHT.sum(axis=1), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("storage", ["auto", "coo"])
def test_a_program_is_written_sparse_and_computes_the_same(
    words: Any, storage: str, tmp_path: Path
) -> None:
    import torch

    with torch.no_grad():
        for weight in words.module.parameters():
            if weight.ndim > 1:
                weight.mul_(torch.rand(weight.shape) > 0.9)
    path = tmp_path / "model.onnx"
    report = emit(words, path, opset=20, lowering=lowering.choose("sparse", storage=storage))
    require(parity(words, path, tolerance=1e-5))
    # the embedding is the output layer's weight as well
    form, reason = ("coo", "asked for") if storage == "coo" else ("dense", "Gather reads it, too")
    assert [(w.told.form, w.told.reason) for w in report] == [(form, reason)]
