"""A sparse layer, its residual and its LayerNormalization become one operator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto

from tests.sparsify.export.test_sparse import lowered, model, node
from tests.sparsify.test_storage import pruned

SQUARE, UP, DOWN = pruned(40, 40, 0.9), pruned(48, 40, 0.9), pruned(40, 48, 0.9)
NORM = {
    "scale": np.linspace(0.5, 2, 40, dtype=np.float32),
    "shift": np.linspace(-1, 1, 40, dtype=np.float32),
}
LAYER = node("MatMul", "x", "weight", "product")
ROWS = ("rows", 40)


def norm(value: str, **attributes: float) -> NodeProto:
    return node("LayerNormalization", value, "scale", "shift", "y", **attributes)


@pytest.mark.parametrize("kind", ["Add", "Sum"])
@pytest.mark.parametrize("order", [("product", "x"), ("x", "product")])
@pytest.mark.parametrize("attributes", [{}, {"epsilon": 0.1}, {"axis": 1, "epsilon": 1e-12}])
@pytest.mark.parametrize("tokens", [1, 150])
def test_a_layer_with_its_normalization_is_one_operator(
    kind: str, order: tuple[str, str], attributes: dict[str, float], tokens: int, tmp_path: Path
) -> None:
    made = model(
        LAYER,
        node(kind, *order, "sum"),
        norm("sum", **attributes),
        shape=ROWS,
        weight=SQUARE,
        **NORM,
    )
    assert lowered(made, tmp_path, (tokens, 40))[0] == ["GapLinearNormalization"]


def test_a_feed_forward_block_with_its_normalization_is_one_operator(tmp_path: Path) -> None:
    made = model(
        node("MatMul", "x", "up", "wide"),
        node("Gelu", "wide", "active"),
        node("MatMul", "active", "down", "narrow"),
        node("Sum", "narrow", "x", "sum"),
        norm("sum"),
        up=UP.T.copy(), down=DOWN.T.copy(), **NORM,
    )  # fmt: skip
    assert lowered(made, tmp_path, (150, 40))[0] == ["GapFeedForwardGeluNormalization"]


@pytest.mark.parametrize(
    ("tail", "operators"),
    [
        # the residual has one row for all
        ([node("Add", "product", "row", "sum"), norm("sum")], ["GapLinear", "Add"]),
        # another node reads the sum
        ([node("Add", "product", "x", "sum"), node("Neg", "sum", "other"),
          node("LayerNormalization", "sum", "scale", "shift", "normal"),
          node("Add", "normal", "other", "y")], ["GapLinear", "Add", "Neg"]),
        # not over the last axis
        ([node("Add", "product", "x", "sum"),
          node("LayerNormalization", "sum", "grid", "grid", "y", axis=0)], ["GapLinear", "Add"]),
        # without a shift
        ([node("Add", "product", "x", "sum"),
          node("LayerNormalization", "sum", "scale", "y")], ["GapLinear", "Add"]),
        # an activation lies between
        ([node("Relu", "product", "active"), node("Add", "active", "x", "sum"), norm("sum")],
         ["GapLinearRelu", "Add"]),
    ],
)  # fmt: skip
def test_what_the_operator_does_not_compute_stays(
    tail: list[NodeProto], operators: list[str], tmp_path: Path
) -> None:
    stored = {"row": np.ones((1, 40), np.float32), "grid": np.ones((5, 40), np.float32)}
    used = {name for each in tail for name in each.input}
    known = {name: array for name, array in {**NORM, **stored}.items() if name in used}
    made = model(LAYER, *tail, shape=(5, 40), weight=SQUARE, **known)
    names, _ = lowered(made, tmp_path, (5, 40))
    assert names[: len(operators)] == operators
    assert "LayerNormalization" in names
