"""A figure over steps, and the dots that its line goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsify.view.axes import Axis

Grid = NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """One figure over steps. What is not finite is left out.

    Args:
        name: what stands at its end.
        steps: f[N], ascending.
        values: f[N].
        style: its colour.
        dotted: for what was planned, beside what happened.
    """

    name: str
    steps: Sequence[float] | NDArray[np.float64]
    values: Sequence[float] | NDArray[np.float64]
    style: str = "cyan"
    dotted: bool = False

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Its steps and its values, finite ones only."""
        steps, values = (np.asarray(each, np.float64) for each in (self.steps, self.values))
        known = np.isfinite(values)
        return steps[known], values[known]


def dots(line: Line, across: Axis, up: Axis, columns: int, rows: int) -> Grid:
    """Which dots of b8[rows, columns] the line goes through, the highest row first.

    A column holds every row that the straight line between neighbouring points passes in it; each
    point itself is the dot nearest to it.
    """
    steps, values = line.points()
    x = across.shares(steps) * (columns - 1)
    y = (1 - up.shares(values)) * (rows - 1)
    grid = np.zeros((rows, columns), bool)
    for column in range(round(x[0]), round(x[-1]) + 1):
        left, right = max(column - 0.5, x[0]), min(column + 0.5, x[-1])
        inside = y[(x >= left) & (x <= right)]
        passed = np.append(np.interp([left, right], x, y), inside)
        grid[round(passed.min()) : round(passed.max()) + 1, column] = True
    return grid
