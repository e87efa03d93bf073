"""Two sparse layers in a row become one operator, with the same outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto

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


def test_what_another_node_reads_stays_an_output_of_its_own(tmp_path: Path) -> None:
    made = model(
        *feed_forward("Gelu"),
        node("ReduceSum", "wide", "total"),
        node("Add", "narrow", "total", "y"),
        up=UP.T.copy(), down=DOWN.T.copy(), bias=BIAS,
    )  # fmt: skip
    names, _ = lowered(made, tmp_path)
    assert names.count("GapLinearGelu") == names.count("GapLinear") == 1
