"""A layer with its residual and normalization against 64-bit floats, on every kind of processor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from sparsify.export import normalizations, portable
from sparsify.runtime.domains import DOMAIN
from tests.sparsify.runtime.layers import check, open_layer, pruned, stored, tensors
from tests.sparsify.runtime.test_kernel import RUNS, close

EPSILON = 1e-3

pytestmark = pytest.mark.skipif(not RUNS, reason="the sparse kernels were not compiled")
Arrays = dict[str, np.ndarray]


def layer(weight: Arrays, norm: Arrays, shape: Sequence[int], fed: str = "") -> bytes:
    """A model of one operator that reads `x` and `residual`, and the part `fed`, too."""
    parts = {**weight, **norm}
    node = helper.make_node(
        "GapLinear" + normalizations.SUFFIX,
        ["x", *weight, *normalizations.INPUTS],
        ["y"],
        domain=DOMAIN,
        shape=list(shape),
        block=[1, 1],
        epsilon=EPSILON,
    )
    shapes = {"x": ["t", None], "residual": ["r", None], "y": ["t", None]}
    shapes |= {fed: [None]} if fed else {}
    ends = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, size)
        for name, size in shapes.items()
    }
    last = [ends.pop("y")]
    stored = [numpy_helper.from_array(array, name) for name, array in parts.items() if name != fed]
    graph = helper.make_graph([node], "layer", list(ends.values()), last, stored)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(DOMAIN, portable.VERSION)]
    plain = portable.function("gaps", "", 20)
    functions = [plain, normalizations.function(plain, 20)]
    made = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)
    serialized: bytes = made.SerializeToString()
    return serialized


def parts(rows: int, columns: int, seed: int) -> tuple[np.ndarray, Arrays, Arrays]:
    """A weight, its tensors and those of the normalization."""
    random = np.random.default_rng(seed)
    weight = pruned((rows, columns), (1, 1), 0.8, seed)
    bias, *numbers = random.standard_normal((3, rows)).astype(np.float32)
    norm = dict(zip(("norm_scale", "norm_bias"), numbers, strict=True))
    return weight, tensors(stored(weight), bias), norm


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(2, 300),
    columns=st.integers(1, 60),
    tokens=st.sampled_from([1, 3, 16, 64, 65, 128, 200]),
    level=st.sampled_from(RUNS or ["none"]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_outputs_and_residual_are_normalized(
    rows: int, columns: int, tokens: int, level: str, threads: int, seed: int
) -> None:
    weight, stored_parts, norm = parts(rows, columns, seed)
    random = np.random.default_rng(seed)
    feed = {
        name: random.standard_normal((tokens, size)).astype(np.float32)
        for name, size in (("x", columns), ("residual", rows))
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSIFY_KERNEL", level)
        model = layer(stored_parts, norm, weight.shape)
        found = open_layer(model, threads=threads).run(None, feed)[0]
    sums = feed["x"].astype(np.float64) @ weight.T + stored_parts["bias"] + feed["residual"]
    apart = sums - sums.mean(axis=1, keepdims=True)
    deviation = np.sqrt((apart**2).mean(axis=1, keepdims=True) + EPSILON)
    assert close(found, apart / deviation * norm["norm_scale"] + norm["norm_bias"])


def test_the_function_computes_the_same_in_stock_onnx_runtime() -> None:
    weight, stored_parts, norm = parts(48, 40, 3)
    random = np.random.default_rng(0)
    feed = {
        name: random.standard_normal((70, size)).astype(np.float32)
        for name, size in (("x", 40), ("residual", 48))
    }
    model = layer(stored_parts, norm, weight.shape)
    check(model)
    ours, alone = (open_layer(model, sparse=each).run(None, feed)[0] for each in (True, False))
    assert close(ours, alone)


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("norm_scale", np.ones(47, np.float32), "the normalization is not one float a row"),
        ("norm_bias", np.ones(1, np.float32), "the normalization is not one float a row"),
        ("norm_bias", np.ones(48, np.float64), "norm_bias"),
    ],
)
def test_a_normalization_of_another_size_or_type_is_refused(
    name: str, array: np.ndarray, says: str
) -> None:
    weight, stored_parts, norm = parts(48, 40, 3)
    model = layer(stored_parts, {**norm, name: array}, weight.shape)
    with pytest.raises(Exception, match=says):
        open_layer(model)


def test_a_normalization_that_is_not_stored_is_refused() -> None:
    weight, stored_parts, norm = parts(48, 40, 3)
    model = layer(stored_parts, norm, weight.shape, fed="norm_scale")
    with pytest.raises(Exception, match="is not constant"):
        open_layer(model)


def test_a_residual_of_another_shape_is_refused() -> None:
    weight, stored_parts, norm = parts(48, 40, 3)
    opened = open_layer(layer(stored_parts, norm, weight.shape))
    feed = {"x": np.zeros((5, 40), np.float32), "residual": np.zeros((4, 48), np.float32)}
    with pytest.raises(Exception, match="the residual is not of the outputs' shape"):
        opened.run(None, feed)
