"""Where the zeros of one weight lie: density on a grid, and the pattern that they make."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Kept = NDArray[np.bool_]
"""bool[rows, columns]: which numbers of a weight are not zero."""
BLOCKS = (
    (64, 64),
    (32, 32),
    (16, 16),
    (8, 8),
    (4, 4),
    (16, 1),
    (1, 16),
    (8, 1),
    (1, 8),
    (4, 1),
    (1, 4),
)
"""Sizes of blocks that are looked for, the larger first."""
GROUPS = ((1, 4), (2, 4), (2, 8), (4, 8), (8, 16))
"""n of m neighbours along a row that stay, the sparser first."""
NEARLY = 0.999
"""The share of zeros that must lie in the pattern: numbers may be zero by chance as well."""
BY_CHANCE = 10
"""Groups of single zeros that would be too full for a pattern: with fewer, none shows nothing."""
FEW = 0.01
"""Zeros below this share make no pattern."""


def density(kept: Kept, rows: int, columns: int) -> NDArray[np.float64]:
    """The share of numbers that are not zero in each cell of a grid laid over a weight.

    Args:
        kept: bool[R, C].
        rows: of the grid, at most R; cells differ by one number in height where R is no multiple.
        columns: of the grid, at most C, as for rows.

    Returns:
        f64[rows, columns], 0 to 1.
    """
    top, left = edges(kept.shape[0], rows), edges(kept.shape[1], columns)
    counts = np.add.reduceat(kept.astype(np.int64), top[:-1], axis=0)
    counts = np.add.reduceat(counts, left[:-1], axis=1)
    found: NDArray[np.float64] = counts / np.outer(np.diff(top), np.diff(left))
    return found


def edges(size: int, cells: int) -> NDArray[np.int64]:
    """Where `cells` nearly equal parts of `size` begin, and the end: i64[cells + 1]."""
    return np.linspace(0, size, cells + 1).round().astype(np.int64)


def averaged(values: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """The means of `cells` nearly equal parts of a series: f64[cells]."""
    begin = edges(len(values), cells)
    found: NDArray[np.float64] = np.add.reduceat(values, begin[:-1]) / np.diff(begin)
    return found


def empty_blocks(kept: Kept, block: tuple[int, int]) -> float | None:
    """The share of blocks that are all zero; None where the shape is no multiple of theirs."""
    (rows, columns), (height, width) = kept.shape, block
    if rows % height or columns % width:
        return None
    any_kept = kept.reshape(rows // height, height, columns // width, width).any(axis=(1, 3))
    return 1 - float(any_kept.mean())


def pattern(kept: Kept) -> str:
    """The largest pattern that nearly all zeros lie in: `dense`, whole `rows` or `columns`,
    `blocks 4x1`, `2:4`, or single `elements`.
    """
    zeros = 1 - float(kept.mean()) if kept.size else 0.0
    if zeros < FEW:
        return "dense"
    for name, axis in (("rows", 1), ("columns", 0)):
        empty = 1 - float(kept.any(axis=axis).mean())
        if empty >= NEARLY * zeros:
            return name if empty < 1 else "all zero"
    for block in BLOCKS:
        if (empty_blocks(kept, block) or 0.0) >= NEARLY * zeros:
            return f"blocks {block[0]}x{block[1]}"
    for n, m in GROUPS:
        fits = kept.shape[1] % m == 0 and kept.reshape(-1, m).sum(axis=1).max() <= n
        if fits and _fuller_by_chance(kept, n, m) >= BY_CHANCE:
            return f"{n}:{m}"
    return "elements"


def _fuller_by_chance(kept: Kept, n: int, m: int) -> float:
    """In how many groups of m more than n numbers would stay if zeros lay anywhere."""
    share = float(kept.mean())
    more = sum(math.comb(m, k) * share**k * (1 - share) ** (m - k) for k in range(n + 1, m + 1))
    return kept.size / m * more
