"""Two sparse layers in a row become one operator, with the same outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto

from sparsify.runtime import session
from tests.sparsify.export.test_sparse import lowered, model, node
from tests.sparsify.test_storage import pruned

UP, DOWN = pruned(48, 40, 0.9), pruned(24, 48, 0.9)
BIAS = np.linspace(-1, 1, 48, dtype=np.float32)
FORMS = {"csr": "Sparse", "gaps": "Gap"}
ACTIVATIONS = {
    "": [],
    "Relu": [node("Relu", "sum", "wide")],
    "Gelu": [node("Gelu", "sum", "wide")],
    "GeluTanh": [node("Gelu", "sum", "wide", approximate="tanh")],
    "Silu": [node("Sigmoid", "sum", "gate"), node("Mul", "sum", "gate", "wide")],
}


def feed_forward(activation: str) -> list[NodeProto]:
    wide = "wide" if activation else "sum"
    return [
        node("MatMul", "x", "up", "product"),
        node("Add", "product", "bias", "sum"),
        *ACTIVATIONS[activation],
        node("MatMul", wide, "down", "narrow"),
    ]


@pytest.mark.parametrize("storage", FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("tokens", [1, 5, 150])
def test_a_feed_forward_block_is_one_operator(
    activation: str, storage: str, tokens: int, tmp_path: Path
) -> None:
    made = model(
        *feed_forward(activation), node("Neg", "narrow", "y"),
        up=UP.T.copy(), down=DOWN.T.copy(), bias=BIAS,
    )  # fmt: skip
    names, _ = lowered(made, tmp_path, (tokens, 40), storage=storage)
    assert names == [f"{FORMS[storage]}FeedForward{activation}", "Neg"]


def test_pairs_multiply_integers_if_both_do(tmp_path: Path) -> None:
    up, down = (pruned(*shape, 0.8, (1, 4)).T.copy() for shape in ((48, 40), (24, 48)))
    made = model(
        *feed_forward("Gelu"), node("Neg", "narrow", "y"), up=up, down=down, bias=BIAS
    )  # fmt: skip
    names, report = lowered(made, tmp_path, (150, 40), activations="int8", within=0.02)
    assert names == ["DynamicQuantizeGapFeedForwardGelu", "Neg"]
    assert [each.form for each in report] == ["gaps u8, blocks 1x4, int8 x int8"] * 2
    feed = {"x": np.random.default_rng(0).standard_normal((150, 40)).astype(np.float32)}
    ours, alone = (
        session(tmp_path / "after.onnx", threads=1, sparse=sparse).run(None, feed)[0]
        for sparse in (True, False)
    )
    # a number between two steps may be rounded up by one and down by the other
    assert np.abs(ours - alone).max() <= 1e-3 * np.abs(alone).max()
    assert np.median(np.abs(ours - alone)) <= 1e-6


def test_what_another_node_reads_stays_an_output_of_its_own(tmp_path: Path) -> None:
    made = model(
        *feed_forward("Gelu"),
        node("ReduceSum", "wide", "total"),
        node("Add", "narrow", "total", "y"),
        up=UP.T.copy(), down=DOWN.T.copy(), bias=BIAS,
    )  # fmt: skip
    names, _ = lowered(made, tmp_path)
    assert names.count("GapLinearGelu") == names.count("GapLinear") == 1
