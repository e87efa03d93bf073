"""Self-attention as one operator against 64-bit floats, on every kind of processor."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsify.export import portable
from tests.sparsify.runtime.blocks import MASKS, Block
from tests.sparsify.runtime.layers import Arrays, check, open_layer
from tests.sparsify.runtime.test_kernel import RUNS

TOLERANCE = 2e-5

pytestmark = pytest.mark.skipif(not RUNS, reason="the sparse kernels were not compiled")


def run(block: Block, feed: Arrays, level: str, threads: int) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSIFY_KERNEL", level)
        found: np.ndarray = open_layer(block.model(feed), threads=threads).run(None, feed)[0]
    return found


def close(found: np.ndarray, wanted: np.ndarray, tolerance: float = TOLERANCE) -> bool:
    apart = np.abs(found - wanted).max()
    return found.shape == wanted.shape and bool(apart <= tolerance * max(1, np.abs(wanted).max()))


@settings(max_examples=80, deadline=None)
@given(
    batch=st.integers(1, 9),
    tokens=st.sampled_from([1, 3, 7, 16, 31, 33, 64, 70, 100, 128, 150]),
    heads=st.integers(1, 4),
    width=st.integers(1, 20),
    value_width=st.integers(1, 20),
    inputs=st.integers(1, 40),
    outputs=st.integers(1, 40),
    normalized=st.booleans(),
    mask=st.sampled_from(sorted(MASKS)),
    level=st.sampled_from(RUNS or ["none"]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_the_block_is_that_of_the_formula(
    batch: int,
    tokens: int,
    heads: int,
    width: int,
    value_width: int,
    inputs: int,
    outputs: int,
    normalized: bool,
    mask: str,
    level: str,
    threads: int,
    seed: int,
) -> None:
    block = Block(heads, width, value_width, inputs, outputs, normalized=normalized, seed=seed)
    feed = block.feed(batch, tokens, mask)
    assert close(run(block, feed, level, threads), block.expected(feed))


@pytest.mark.parametrize("level", RUNS)
@pytest.mark.parametrize("storage", ["gaps", "csr"])
def test_blocks_of_four_outputs_are_multiplied_alike(storage: str, level: str) -> None:
    block = Block(3, block=(4, 1), storage=storage)
    feed = block.feed(2, 100, "keys")
    assert close(run(block, feed, level, 1), block.expected(feed))


@pytest.mark.parametrize("level", RUNS)
@pytest.mark.parametrize("tokens", [5, 64, 300])
def test_integers_differ_by_their_rounding_alone(tokens: int, level: str) -> None:
    block = Block(3, block=(1, 4), integers=True, normalized=True)
    feed = block.feed(2, tokens, "keys")
    alone = open_layer(block.model(feed), sparse=False).run(None, feed)[0]
    found = run(block, feed, level, 1)
    assert np.abs(found - alone).mean() <= 1e-3
    assert close(found, alone, tolerance=0.05)


def test_a_long_text_is_worked_on_in_blocks_of_queries() -> None:
    block = Block(2, normalized=True)
    feed = block.feed(1, 1000, "queries")
    assert close(run(block, feed, RUNS[-1], 2), block.expected(feed))


@pytest.mark.parametrize("mask", ["none", "all"])
@pytest.mark.parametrize("normalized", [False, True])
def test_stock_onnx_runtime_computes_the_same(normalized: bool, mask: str) -> None:
    block = Block(3, value_width=5, normalized=normalized)
    feed = block.feed(2, 40, mask)
    check(block.model(feed))
    alone = open_layer(block.model(feed), sparse=False).run(None, feed)[0]
    assert close(alone, block.expected(feed))


def test_no_texts_and_no_tokens_are_no_mistake() -> None:
    block = Block(2)
    session = open_layer(block.model(block.feed(1, 1)))
    for shape in ((0, 5, 16), (2, 0, 16)):
        assert session.run(None, {"x": np.zeros(shape, np.float32)})[0].shape == shape


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({"heads": [3]}, "do not divide into heads"),
        ({"heads": [0]}, "do not divide into heads"),
        ({"heads": [-2]}, "do not divide into heads"),
        ({"heads": [2, 2]}, "`heads` is not one number"),
        ({"key_shape": [8, 16]}, "queries and keys differ in size"),
        ({"value_shape": [16, 8]}, "are not made of the same inputs"),
        ({"value_shape": [8, 16]}, "the output layer does not read all heads"),
        ({"output_shape": [16]}, "`output_shape` is not two numbers"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(shapes: dict[str, list[int]], says: str) -> None:
    block = Block(2)
    for prefix in portable.SELF_ATTENTION:  # nothing but zeros fits any size
        for part in ("values", "gaps"):
            block.stored[prefix + part] = block.stored[prefix + part][:0]
        block.stored[prefix + "bias"] = np.zeros(1, np.float32)
    block.attributes |= shapes
    with pytest.raises(Exception, match=says):
        open_layer(block.model(block.feed(1, 1)))


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("scale", np.ones(2, np.float32), "the scale is not one float"),
        ("scale", np.ones(1, np.float64), "scale"),
        ("value_bias", np.ones(3, np.float32), "the bias is not one float a row"),
        ("output_gaps", np.zeros(9, np.uint8), "differ in number"),
    ],
)
def test_damaged_parts_are_refused(name: str, array: np.ndarray, says: str) -> None:
    block = Block(2)
    block.stored[name] = array
    with pytest.raises(Exception, match=says):
        open_layer(block.model(block.feed(1, 1)))


def test_a_scale_that_is_fed_is_refused() -> None:
    block = Block(2)
    with pytest.raises(Exception, match="is not constant"):
        open_layer(block.model(block.feed(1, 1) | {"scale": np.ones(1, np.float32)}))


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        ("x", (2, 40, 15), "the last dimension of the input is not 16"),
        ("mask", (3, 1, 1, 40), "the mask does not fit the scores"),
        ("mask", (39,), "the mask does not fit the scores"),
        ("mask", (1, 1, 1, 1, 40), "the mask has more than four dimensions"),
        ("residual", (2, 39, 16), "the residual is not of the outputs' shape"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(name: str, shape: tuple[int, ...], says: str) -> None:
    block = Block(2, normalized=True)
    feed = block.feed(2, 40, "keys")
    feed[name] = np.zeros(shape, np.float32)
    session = open_layer(block.model(feed))
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, match=says):
        session.run(None, feed)
