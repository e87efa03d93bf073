"""One weight in full: how its numbers are spread, where its zeros lie, how it can be stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsify.inspection.facts import Weight
from sparsify.inspection.mask import Kept, empty_blocks, pattern
from sparsify.smallest import BLOCKS
from sparsify.storage import Values, sizes

BINS = 60
STORED: tuple[Values, ...] = ("f32", "f16", "int8")
TOLD = ((4, 1), (1, 4), (16, 16), (32, 32))
"""Blocks of which it is told how many are empty."""
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Form:
    """One way to store the weight."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class WeightDetail:
    """One weight as a matrix: rows make its outputs, columns read its inputs."""

    weight: Weight
    kept: Kept
    """bool[rows, columns]."""
    counts: NDArray[np.int64]
    """i64[BINS]: of the numbers that are not zero."""
    edges: NDArray[np.float64]
    """f64[BINS + 1]."""
    mean: float
    """Of the numbers that are not zero, as the next."""
    standard_deviation: float
    pattern: str
    empty: dict[str, float]
    """Size of blocks -> the share of them that is all zero."""
    forms: tuple[Form, ...]
    """The smallest of each type of number, dense first."""
    history: Curve
    """Steps of training, and the share of zeros then; empty where nothing is known."""

    @property
    def row_zeros(self) -> NDArray[np.float64]:
        """f64[rows]: the share of zeros of each."""
        found: NDArray[np.float64] = 1 - self.kept.mean(axis=1)
        return found

    @property
    def column_zeros(self) -> NDArray[np.float64]:
        """f64[columns]."""
        found: NDArray[np.float64] = 1 - self.kept.mean(axis=0)
        return found

    def facts(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            **self.weight.facts(),
            "pattern": self.pattern,
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
            "histogram": {"counts": self.counts.tolist(), "edges": self.edges.tolist()},
            "row_zeros": self.row_zeros.tolist(),
            "column_zeros": self.column_zeros.tolist(),
            "empty_blocks": self.empty,
            "stored_bytes": {form.name: form.size_bytes for form in self.forms},
            "history": {"step": self.history[0].tolist(), "zeros": self.history[1].tolist()},
        }


NOTHING: Curve = (np.zeros(0), np.zeros(0))


def weight_detail(weight: Weight, values: NDArray[Any], history: Curve = NOTHING) -> WeightDetail:
    """All facts of one weight.

    Args:
        weight: its name, shape and role.
        values: its numbers [outputs, inputs, ...]; a vector is one row.
        history: steps, and the share of zeros at each.
    """
    matrix = np.asarray(values, np.float32)
    matrix = matrix.reshape(len(matrix) if matrix.ndim > 1 else 1, -1)
    kept = matrix != 0
    numbers = matrix[kept].astype(np.float64)
    counts, edges = np.histogram(numbers, BINS)
    empty = {
        f"{height}x{width}": share
        for height, width in TOLD
        if (share := empty_blocks(kept, (height, width)))
    }
    return WeightDetail(
        weight=weight,
        kept=kept,
        counts=counts,
        edges=edges,
        mean=float(numbers.mean()) if numbers.size else 0.0,
        standard_deviation=float(numbers.std()) if numbers.size else 0.0,
        pattern=pattern(kept),
        empty=empty,
        forms=tuple(_forms(matrix)),
        history=history,
    )


def _forms(matrix: NDArray[np.float32]) -> Iterator[Form]:
    yield Form("dense f32", matrix.nbytes)
    for values in STORED:
        # scales: whole numbers need one for each row
        extra = 4 * (len(matrix) if values == "int8" else 1)
        found = [
            (count + extra, kind, block)
            for block in BLOCKS
            for count, kind in sizes(matrix, block, values, "auto")
        ]
        if found:
            count, kind, block = min(found)
            blocks = f", blocks {block[0]}x{block[1]}" if block != (1, 1) else ""
            yield Form(f"{kind}{blocks}, {values}", count)
