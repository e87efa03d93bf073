"""How a sparse weight is written: which numbers, where they lie, and how many bytes that takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import numpy as np

from sparsify.two_of_four import cells_of_two_of_four, fits_two_of_four, two_of_four

Values: TypeAlias = Literal["f32", "f16", "int8"]
Activations: TypeAlias = Literal["f32", "int8"]
Storage: TypeAlias = Literal["auto", "csr", "gaps", "coo"]
Kind: TypeAlias = Literal["gaps u8", "gaps u16", "csr", "2 of 4"]

NUMBERS = {"f32": np.float32, "f16": np.float16, "int8": np.int8}
KINDS: dict[Storage, tuple[Kind, ...]] = {
    "auto": ("gaps u8", "gaps u16", "csr", "2 of 4"),
    "gaps": ("gaps u8", "gaps u16"),
    "csr": ("csr",),
    "coo": (),
}
LONGEST = {"gaps u8": 255, "gaps u16": 65535}
"""The largest distance of two blocks."""


@dataclass(frozen=True)
class Stored:
    """A sparse weight [outputs, inputs], as the operators of `ai.sparsify` read it.

    The grid of its blocks is walked row by row. `gaps`: positions are distances from the block
    before, with blocks of zeros where that is too far for the type. `csr`: positions are columns
    of the grid whose rows begin at `row_offsets`. `2 of 4`: two of every four inputs are stored;
    a position has the places of four of them, two bits each.
    """

    shape: tuple[int, int]
    block: tuple[int, int]
    values: np.ndarray
    positions: np.ndarray
    row_offsets: np.ndarray | None
    scales: np.ndarray
    """f32[outputs, 1], or f32[1, 1]: what the values are multiplied with."""
    integers: bool = False
    """Whether inputs become 8-bit integers, too, when they are multiplied."""
    two_of_four: bool = False

    @property
    def form(self) -> str:
        """`gaps u8`, `csr u16, blocks 4x1, f16`, `gaps u8, blocks 1x4, int8 x int8`."""
        words = [self.kind if self.two_of_four else f"{self.kind} u{8 * self.positions.itemsize}"]
        if self.block != (1, 1):
            words.append(f"blocks {self.block[0]}x{self.block[1]}")
        if self.values.dtype != np.float32:
            words.append({"float16": "f16", "int8": "int8"}[self.values.dtype.name])
            words[-1] += " x int8" if self.integers else ""
        return ", ".join(words)

    @property
    def kind(self) -> str:
        """How positions are written: `csr`, `gaps` or `2 of 4`."""
        if self.two_of_four:
            return "2 of 4"
        return "gaps" if self.row_offsets is None else "csr"

    @property
    def size_bytes(self) -> int:
        return sum(part.nbytes for part in self.tensors().values())

    def tensors(self) -> dict[str, np.ndarray]:
        """Its parts in the order of the operators' inputs, `scales` last."""
        if self.row_offsets is None:
            where = {"positions" if self.two_of_four else "gaps": self.positions}
        else:
            where = {"columns": self.positions, "row_offsets": self.row_offsets}
        return {"values": self.values, **where, "scales": self.scales}


def decoded(stored: Stored) -> np.ndarray:
    """The dense weight f32[outputs, inputs]."""
    rows, columns = (n // b for n, b in zip(stored.shape, stored.block, strict=True))
    positions = stored.positions.astype(np.int64)
    if stored.two_of_four:
        cells = cells_of_two_of_four(positions, len(stored.values))
    elif stored.row_offsets is None:
        cells = np.cumsum(positions)
    else:
        cells = np.repeat(np.arange(rows), np.diff(stored.row_offsets)) * columns + positions
    grid = np.zeros((rows * columns, *stored.block), np.float32)
    grid[cells] = stored.values.reshape(-1, *stored.block)
    dense = grid.reshape(rows, columns, *stored.block).transpose(0, 2, 1, 3).reshape(stored.shape)
    return cast(np.ndarray, dense * stored.scales)


def written(array: np.ndarray, block: tuple[int, int], kind: Kind, values: Values) -> Stored:
    """A weight [outputs, inputs], both multiples of the block's sides, in one form."""
    numbers, scales = array, np.ones((1, 1), np.float32)
    if values == "int8":
        numbers, scales = quantized(array)
    if kind == "2 of 4":
        stored, places = two_of_four(array, numbers.astype(NUMBERS[values]))
        return Stored(array.shape, block, stored, places, None, scales, two_of_four=True)
    rows, columns = array.shape[0] // block[0], array.shape[1] // block[1]
    apart = numbers.reshape(rows, block[0], columns, block[1]).transpose(0, 2, 1, 3)
    cells = cells_of(array, block)
    stored = apart.reshape(rows * columns, block[0] * block[1])[cells].astype(NUMBERS[values])
    if kind == "csr":
        offsets = np.searchsorted(cells, np.arange(rows + 1) * columns).astype(np.int32)
        positions = (cells % columns).astype(_column_type(columns))
        return Stored(array.shape, block, stored.ravel(), positions, offsets, scales)
    filled, steps = _with_gaps(stored, cells, kind)
    return Stored(array.shape, block, filled, steps, None, scales)


def sizes(
    there: np.ndarray,
    block: tuple[int, int],
    values: Values,
    storage: Storage,
    below: float = math.inf,
) -> Iterator[tuple[int, Kind]]:
    """The bytes of each form without the scales, from nothing but which of its numbers are `there`,
    b[outputs, inputs], not zero. Blocks of which every form has `below` bytes are passed over.
    """
    if there.shape[0] % block[0] or there.shape[1] % block[1]:
        return
    width = block[0] * block[1] * np.dtype(NUMBERS[values]).itemsize
    grid = grid_of(there, block)
    if np.count_nonzero(grid) * width >= below:
        return
    cells = _marked(grid)
    columns = there.shape[1] // block[1]
    for kind in KINDS[storage]:
        if kind == "csr":
            offsets = 4 * (there.shape[0] // block[0] + 1)
            yield len(cells) * (width + _column_type(columns).itemsize) + offsets, kind
        elif kind == "2 of 4":
            if block == (1, 1) and fits_two_of_four(there):
                yield there.size // 2 * width + -(-there.size // 8), kind
        else:
            count = len(cells) + int(_fillers(np.diff(cells, prepend=0), kind).sum())
            yield count * (width + LONGEST[kind].bit_length() // 8), kind


def cells_of(array: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    """Which blocks of the grid, row by row, are not zero."""
    return _marked(grid_of(array, block))


def _marked(grid: np.ndarray) -> np.ndarray:
    found = np.flatnonzero(grid)
    # operators need not like empty tensors: one block of zeros is the same weight
    return found if found.size else np.zeros(1, np.int64)


def grid_of(array: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    """Whether each block of the grid has a number other than zero, row by row."""
    there = array != 0
    if block[0] > 1:
        there = there.reshape(-1, block[0], array.shape[1]).any(axis=1)
    there, width = there.reshape(-1), block[1]
    # eight truth values are one number: far faster than looking at them one by one
    while width > 1 and (together := math.gcd(width, 8)) > 1:
        there, width = there.view(f"u{together}") != 0, width // together
    found: np.ndarray = there if width == 1 else there.reshape(-1, width).any(axis=1)
    return found


def _column_type(columns: int) -> np.dtype[np.unsignedinteger]:
    return np.dtype(np.uint16 if columns <= 65536 else np.uint32)


def quantized(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers of -127 to 127 for a weight [outputs, inputs], and scales f32[outputs, 1]."""
    largest = np.abs(array).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(array / scales), scales


def _fillers(gaps: np.ndarray, kind: Kind) -> np.ndarray:
    """How many blocks of zeros lie before each block, so that no distance is too long."""
    found: np.ndarray = np.maximum((gaps - 1) // LONGEST[kind], 0)
    return found


def _with_gaps(values: np.ndarray, cells: np.ndarray, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """The blocks with those that bridge long distances, and all distances."""
    gaps = np.diff(cells, prepend=0)
    fillers = _fillers(gaps, kind)
    places = np.arange(len(cells)) + np.cumsum(fillers)
    longest = LONGEST[kind]
    steps = np.full(places[-1] + 1, longest, np.uint8 if kind == "gaps u8" else np.uint16)
    steps[places] = gaps - fillers * longest
    filled = np.zeros((len(steps), values.shape[1]), values.dtype)
    filled[places] = values
    return filled.ravel(), steps
