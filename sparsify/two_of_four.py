"""Weights of which at most two of every four neighbouring inputs are not zero."""

from __future__ import annotations

import numpy as np


def fits_two_of_four(array: np.ndarray) -> bool:
    """Whether at most two of every four inputs of a weight [outputs, inputs] are not zero."""
    whole = array.shape[1] % 4 == 0 and array.size > 0
    return whole and bool(np.count_nonzero(array.reshape(-1, 4), axis=1).max() <= 2)


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
