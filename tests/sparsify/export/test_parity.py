"""Parity: what counts as a difference, and what is said when there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sparsify.errors import CheckFailed
from sparsify.export import emit, parity, require
from sparsify.export.parity import difference
from sparsify.program import Program
from sparsify.report import Parity

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("expected", "found", "worst"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.5),
        ([1.0, NAN], [1.0, NAN], 0.0),
        ([1.0, INF], [1.5, INF], 0.5),
        ([1.0, INF], [1.0, -INF], INF),
        ([1.0, NAN], [1.0, 2.0], INF),
        ([1.0], [1.0, 2.0], INF),
        ([], [], 0.0),
    ],
)
def test_a_difference(expected: list[float], found: list[float], worst: float) -> None:
    assert difference([np.array(expected)], [np.array(found)]) == worst


def test_another_number_of_outputs_is_a_difference() -> None:
    assert difference([np.zeros(1)], []) == INF


def test_a_changed_weight_is_noticed(words: Program, tmp_path: Path) -> None:
    emit(words, tmp_path / "model.onnx", opset=20)
    other = words.clone()
    with torch.no_grad():
        other.tensor("head.bias").add_(0.5)
    found = parity(other, tmp_path / "model.onnx", shapes=[{"batch": 2}], tolerance=1e-4)
    assert found.max_abs_difference == pytest.approx(0.5, abs=1e-4)
    assert found.shapes == [[2]]


@pytest.mark.parametrize("difference", [0.25, INF, NAN])
def test_too_large_a_difference_fails_the_check(difference: float) -> None:
    found = Parity(max_abs_difference=difference, tolerance=1e-4, shapes=[[1, 5]])
    with pytest.raises(CheckFailed) as caught:
        require(found)
    assert str(caught.value) == (
        f"ONNX Runtime's outputs differ from PyTorch's by {difference:.1e}, "
        "more than the 1.0e-04 that export.tolerance allows"
    )
