"""Weights of which at most two of every four neighbouring inputs are not zero."""

from __future__ import annotations

import numpy as np

FIRST = 8
"""Rows that are looked at before all others."""


def fits_two_of_four(array: np.ndarray) -> bool:
    """Whether at most two of every four inputs of a weight [outputs, inputs] are not zero."""
    if array.shape[1] % 4 or not array.size:
        return False
    # most weights do not, and their first rows tell
    return _at_most_two(array[:FIRST]) and _at_most_two(array[FIRST:])


def _at_most_two(rows: np.ndarray) -> bool:
    counts = np.count_nonzero(rows.reshape(-1, 4), axis=1)
    return bool(counts.max(initial=0) <= 2)


def two_of_four(array: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers of every four inputs, zeros where fewer are needed, and their places."""
    missing = array.reshape(-1, 4) == 0
    places = np.sort(np.argsort(missing, axis=1, kind="stable")[:, :2], axis=1)
    values = np.take_along_axis(numbers.reshape(-1, 4), places, axis=1)
    fours = np.pad(places.ravel(), (0, -places.size % 4)).reshape(-1, 4)
    return values.ravel(), (fours @ [1, 4, 16, 64]).astype(np.uint8)


def cells_of_two_of_four(positions: np.ndarray, count: int) -> np.ndarray:
    """Where in the weight, row by row, each of `count` numbers lies."""
    places = (positions[:, None] >> np.arange(0, 8, 2)).ravel()[:count] & 3
    cells: np.ndarray = np.arange(count) // 2 * 4 + places
    return cells
