"""Attention becomes one operator beside sparse layers, in every form that exporters write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto

from tests.sparsify.export.test_sparse import lowered, model, node
from tests.sparsify.test_storage import pruned

WEIGHT = pruned(40, 40, 0.9)
STORED = {
    "weight": WEIGHT,
    "apart": np.array([0, 0, 4, 10]),
    "same": np.array([0, 4, 0, 10]),
    "scale": np.array(0.3, np.float32),
    "mask": np.array([0, 0, -9e9, 0, 0, 0, 0], np.float32).reshape(1, 1, 1, 7),
}


def attention(*, masked: bool = False, turned_twice: bool = False) -> list[NodeProto]:
    keys = [node("Transpose", "heads", "keys", perm=[0, 2, 3, 1])]
    if turned_twice:
        keys = [
            node("Transpose", "heads", "key_heads", perm=[0, 2, 1, 3]),
            node("Transpose", "key_heads", "keys", perm=[0, 1, 3, 2]),
        ]
    masks = [node("Add", "scores", "mask", "allowed")] if masked else []
    return [
        node("MatMul", "x", "weight", "product"),
        node("Reshape", "product", "apart", "heads"),
        node("Transpose", "heads", "queries", perm=[0, 2, 1, 3]),
        *keys,
        node("Transpose", "heads", "values", perm=[0, 2, 1, 3]),
        node("MatMul", "queries", "keys", "products"),
        node("Mul", "products", "scale", "scores"),
        *masks,
        node("Softmax", "allowed" if masked else "scores", "shares", axis=-1),
        node("MatMul", "shares", "values", "mixed"),
    ]


LAST = node("Transpose", "mixed", "y", perm=[0, 2, 1, 3])


@pytest.mark.parametrize("turned_twice", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_one_operator(masked: bool, turned_twice: bool, tmp_path: Path) -> None:
    nodes = attention(masked=masked, turned_twice=turned_twice)
    made = model(*nodes, LAST, shape=(2, 7, 40), **STORED)
    names, _ = lowered(made, tmp_path, (2, 7, 40))
    assert names == ["GapLinear", "Reshape", "MaskedAttention" if masked else "Attention"]


def test_a_reshape_that_changes_nothing_is_no_obstacle(tmp_path: Path) -> None:
    tail = [
        node("Reshape", "mixed", "same", "again"),
        node("Transpose", "again", "y", perm=[0, 2, 1, 3]),
    ]
    made = model(*attention(), *tail, shape=(2, 7, 40), **STORED)
    assert lowered(made, tmp_path, (2, 7, 40))[0][-1] == "Attention"


def test_attention_whose_shares_another_node_reads_stays_as_it_is(tmp_path: Path) -> None:
    tail = [
        node("Transpose", "mixed", "back", perm=[0, 2, 1, 3]),
        node("ReduceMax", "shares", "most", keepdims=0),
        node("Add", "back", "most", "y"),
    ]
    made = model(*attention(), *tail, shape=(2, 7, 40), **STORED)
    assert "Attention" not in lowered(made, tmp_path, (2, 7, 40))[0]


def test_a_softmax_over_other_things_is_no_attention(tmp_path: Path) -> None:
    nodes = [
        node("Softmax", "scores", "shares", axis=2) if each.op_type == "Softmax" else each
        for each in attention()
    ]
    made = model(*nodes, LAST, shape=(2, 7, 40), **STORED)
    assert "Attention" not in lowered(made, tmp_path, (2, 7, 40))[0]
