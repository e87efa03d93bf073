"""Sparse layers around an attention, and it, become one operator where that is all there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import NodeProto

from sparsify.export import inspect_onnx
from tests.sparsify.export.test_sparse import lowered, model, node
from tests.sparsify.test_storage import pruned

SHAPE = (2, 50, 40)
LAYERS = ("query", "key", "value", "output")
STORED: dict[str, Any] = {
    **{name: pruned(40, 40, 0.9, seed=seed) for seed, name in enumerate(LAYERS)},
    "apart": np.array([0, 0, 4, 10]),
    "together": np.array([0, 0, -1]),
    "scale": np.array(0.3, np.float32),
    "mask": np.where(np.arange(50) < 45, 0, -9e9).astype(np.float32).reshape(1, 1, 1, 50),
    "ones": np.ones(40, np.float32),
}


def heads(layer: str, read: str = "x", apart: str = "apart") -> list[NodeProto]:
    order = [0, 2, 3, 1] if layer == "key" else [0, 2, 1, 3]
    return [
        node("MatMul", read, layer, f"{layer}_made"),
        node("Reshape", f"{layer}_made", apart, f"{layer}_heads"),
        node("Transpose", f"{layer}_heads", f"{layer}_turned", perm=order),
    ]


def mixed(*, masked: bool = False, last: str = "y") -> list[NodeProto]:
    masks = [node("Add", "scores", "mask", "allowed")] if masked else []
    return [
        node("MatMul", "query_turned", "key_turned", "products"),
        node("Mul", "products", "scale", "scores"),
        *masks,
        node("Softmax", "allowed" if masked else "scores", "shares", axis=-1),
        node("MatMul", "shares", "value_turned", "by_head"),
        node("Transpose", "by_head", "mixed", perm=[0, 2, 1, 3]),
        node("Reshape", "mixed", "together", "all_heads"),
        node("MatMul", "all_heads", "output", last),
    ]


ALL = [each for layer in LAYERS[:3] for each in heads(layer)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
def test_layers_and_attention_are_one_operator(
    normalized: bool, masked: bool, tmp_path: Path
) -> None:
    nodes = [*ALL, *mixed(masked=masked, last="made" if normalized else "y")]
    if normalized:
        nodes += [
            node("Add", "made", "x", "sum"),
            node("LayerNormalization", "sum", "ones", "ones", "y", axis=-1),
        ]
    names, told = lowered(model(*nodes, shape=SHAPE, **STORED), tmp_path, SHAPE)
    wanted = "GapMaskedSelfAttention" if masked else "GapSelfAttention"
    assert names == [wanted + ("Normalization" if normalized else "")]
    forms = {each.name: each.form for each in told}
    assert forms == {"mask": "dense", **dict.fromkeys(LAYERS, "gaps u8")}


def test_every_weight_of_the_operator_is_told(tmp_path: Path) -> None:
    lowered(model(*ALL, *mixed(), shape=SHAPE, **STORED), tmp_path, SHAPE)
    found = {each.name: each for each in inspect_onnx(tmp_path / "after.onnx").weights}
    assert list(found) == ["mask", *LAYERS]
    for name in LAYERS:
        assert found[name].shape == (40, 40)
        assert found[name].sparsity == 1 - np.count_nonzero(STORED[name]) / 1600


def test_values_may_be_wider_than_queries(tmp_path: Path) -> None:
    wide = {
        "value": pruned(40, 64, 0.9),
        "output": pruned(64, 40, 0.9),
        "wide": np.array([0, 0, 4, 16]),
    }
    nodes = [*heads("query"), *heads("key"), *heads("value", apart="wide"), *mixed()]
    names, _ = lowered(model(*nodes, shape=SHAPE, **STORED | wide), tmp_path, SHAPE)
    assert names == ["GapSelfAttention"]


def test_few_heads_that_were_kept_are_one_operator(tmp_path: Path) -> None:
    kept = {name: STORED[name][:, :30] for name in LAYERS[:3]}
    kept |= {"output": STORED["output"][:30], "apart": np.array([0, 0, 3, 10])}
    made = model(*ALL, *mixed(), shape=SHAPE, **STORED | kept)
    assert lowered(made, tmp_path, SHAPE)[0] == ["GapSelfAttention"]


@pytest.mark.parametrize(
    ("nodes", "stored"),
    [
        ([node("Neg", "x", "other"), *heads("query"), *heads("key", "other"),
          *heads("value", "other"), *mixed()], {}),
        ([*ALL, *mixed()], {"key": np.ones((40, 40), np.float32)}),
        ([*ALL, *mixed(last="made"), node("ReduceMax", "key_heads", "most", keepdims=0),
          node("Add", "made", "most", "y")], {}),
        ([*ALL, *mixed(last="made"), node("ReduceMax", "mixed", "most", keepdims=0),
          node("Add", "made", "most", "y")], {}),
        ([*ALL, *mixed(last="made"), node("Relu", "made", "y")], {}),
    ],
    ids=["other tokens", "a dense layer", "keys are read", "heads are read", "an activation"],
)  # fmt: skip
def test_what_is_more_than_that_stays_apart(
    nodes: list[NodeProto], stored: dict[str, np.ndarray], tmp_path: Path
) -> None:
    names, _ = lowered(model(*nodes, shape=SHAPE, **STORED | stored), tmp_path, SHAPE)
    assert "Attention" in names
    assert not any("SelfAttention" in name for name in names)


def test_integers_are_one_operator_as_well(tmp_path: Path) -> None:
    blocks = {name: pruned(40, 40, 0.7, (4, 1), seed) for seed, name in enumerate(LAYERS)}
    made = model(*ALL, *mixed(), shape=SHAPE, **STORED | blocks)
    names, _ = lowered(made, tmp_path, SHAPE, within=0.1, activations="int8")
    assert names == ["DynamicQuantizeGapSelfAttention"]
    assert {each.name for each in onnx.load(tmp_path / "after.onnx").functions} >= {
        "DynamicQuantizeGapSelfAttention",
        "DynamicQuantizeGapLinear",
        "Attention",
    }
