"""The attention kernel against products in 64-bit floats, on every kind of processor."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from sparsify.export import heads, portable
from sparsify.runtime.domains import DOMAIN
from sparsify.runtime.library import kernels
from tests.sparsify.runtime.layers import check, open_layer

TOLERANCE = 1e-5
LEVELS = ("portable", "avx2", "avx512", "avx512vnni")
RUNS = LEVELS[: LEVELS.index(kernels()) + 1] if kernels() in LEVELS else ()
NAMES = ["Q", "K", "V", "scale", "mask"]
FREE = ["b", "q", "h", "w"]

pytestmark = pytest.mark.skipif(not RUNS, reason="the sparse kernels were not compiled")


def attention(masked: bool) -> bytes:
    """A model of one operator, whose inputs are the model's."""
    names = NAMES if masked else NAMES[:4]
    node = helper.make_node(heads.NAMES[masked], names, ["y"], domain=DOMAIN)
    inputs = [
        helper.make_tensor_value_info(
            name, TensorProto.FLOAT, [] if name == "scale" else [f"{name}{axis}" for axis in FREE]
        )
        for name in names
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, FREE)]
    graph = helper.make_graph([node], "attention", inputs, outputs)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(DOMAIN, portable.VERSION)]
    functions = [heads.function(masked, 20)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)
    serialized: bytes = model.SerializeToString()
    return serialized


def expected(feed: dict[str, np.ndarray]) -> np.ndarray:
    query, key, value = (feed[name].astype(np.float64) for name in "QKV")
    scores = np.einsum("bqhw,bkhw->bhqk", query, key) * feed["scale"] + feed.get("mask", 0)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    mixed: np.ndarray = np.einsum("bhqk,bkhv->bqhv", shares, value)
    return mixed


def inputs(
    batch: int, heads: int, queries: int, keys: int, width: int, value_width: int, seed: int
) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = {
        "Q": (batch, queries, heads, width),
        "K": (batch, keys, heads, width),
        "V": (batch, keys, heads, value_width),
    }
    feed = {name: random.standard_normal(shape) for name, shape in shapes.items()}
    feed["scale"] = np.array(width**-0.5)
    return {name: array.astype(np.float32) for name, array in feed.items()}


@settings(max_examples=80, deadline=None)
@given(
    batch=st.integers(1, 3),
    heads=st.integers(1, 4),
    queries=st.integers(1, 70),
    keys=st.integers(1, 70),
    width=st.integers(1, 40),
    value_width=st.integers(1, 40),
    mask=st.sampled_from(["", "keys", "queries", "all"]),
    level=st.sampled_from(RUNS or ["none"]),
    threads=st.integers(1, 2),
    seed=st.integers(0, 1000),
)
def test_attention_is_that_of_the_formula(
    batch: int,
    heads: int,
    queries: int,
    keys: int,
    width: int,
    value_width: int,
    mask: str,
    level: str,
    threads: int,
    seed: int,
) -> None:
    feed = inputs(batch, heads, queries, keys, width, value_width, seed)
    shapes = {
        "keys": (batch, 1, 1, keys),
        "queries": (1, 1, queries, keys),
        "all": (batch, heads, queries, keys),
    }
    if mask:
        allowed = np.random.default_rng(seed).random(shapes[mask]) < 0.7
        feed["mask"] = np.where(allowed, 0, np.finfo(np.float32).min).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSIFY_KERNEL", level)
        found = open_layer(attention(bool(mask)), threads=threads).run(None, feed)[0]
    want = expected(feed)
    assert found.shape == want.shape
    assert np.abs(found - want).max() <= TOLERANCE * max(1, np.abs(want).max())


@pytest.mark.parametrize("masked", [False, True])
def test_stock_onnx_runtime_computes_the_same(masked: bool) -> None:
    check(attention(masked))
    feed = inputs(2, 3, 5, 7, 8, 4, 0)
    if masked:
        feed["mask"] = np.random.default_rng(1).standard_normal((1, 3, 5, 7)).astype(np.float32)
    found = open_layer(attention(masked), sparse=False).run(None, feed)[0]
    assert np.allclose(found, expected(feed), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("part", "shape", "message"),
    [
        ("K", (2, 7, 3, 9), "queries and keys differ in shape"),
        ("K", (1, 7, 3, 8), "queries and keys differ in shape"),
        ("V", (2, 6, 3, 4), "keys and values differ in shape"),
        ("mask", (2, 3, 5, 6), "the mask does not fit the scores"),
        ("mask", (2, 2, 5, 7), "the mask does not fit the scores"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    part: str, shape: tuple[int, ...], message: str
) -> None:
    feed = inputs(2, 3, 5, 7, 8, 4, 0) | {"mask": np.zeros((1, 1, 1, 7), np.float32)}
    feed[part] = np.zeros(shape, np.float32)
    session = open_layer(attention(True))
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, match=message):
        session.run(None, feed)


def test_no_keys_and_no_queries_are_no_mistake() -> None:
    session = open_layer(attention(False))
    assert not session.run(None, inputs(2, 3, 5, 0, 8, 4, 0))[0].any()
    assert session.run(None, inputs(2, 3, 0, 7, 8, 4, 0))[0].shape == (2, 0, 3, 4)
