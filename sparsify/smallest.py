"""The smallest way to write a weight, counted in bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sparsify.report import Speed
from sparsify.storage import Activations, Kind, Storage, Stored, Values, decoded, sizes, written
from sparsify.zeros import nonzero_count, share_of_zeros

BLOCKS = ((1, 1), (1, 4), (4, 1), (4, 4), (8, 8), (16, 16), (32, 32))
"""Blocks, outputs x inputs, in which a weight's zeros are looked for."""
LEAST_OF_FOUR = 1.5
"""How many of four neighbouring inputs are stored on average, where any is, if integers pay."""
LARGEST_SUM = 2**31 // 510
"""Of the integers' absolute values of one output: twice a sum of products fits 32 bits."""
LARGEST_F16 = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Choice:
    """What became of one weight, and why."""

    stored: Stored | None
    """None: it stays dense, or is stored as `coo`."""
    form: str
    reason: str
    predicted: Speed | None = None
    measured: Speed | None = None


def choose(
    array: np.ndarray,
    *,
    values: Values = "f32",
    storage: Storage = "auto",
    least: float = 0.5,
    activations: Activations = "f32",
) -> Choice:
    """The smallest way to write a weight [outputs, inputs].

    Args:
        array: the weight.
        values: the type of the stored numbers; `int8` has a scale for every output.
        storage: how positions are written; `auto` takes what is smallest.
        least: the sparsity, 0 to 1, below which a weight stays dense: there no kernel gains.
        activations: with `int8`, a layer multiplies integers where that pays; `values` holds for
            all other weights.
    """
    if reason := unfit(array):
        return Choice(None, "dense", reason)
    sparsity = share_of_zeros(array)
    if sparsity < least:
        return Choice(None, "dense", f"{sparsity:.0%} sparse: below {least:.0%}")
    if storage == "coo":
        return Choice(None, "coo", "asked for")
    if reason := too_large(array, values):
        return Choice(None, "dense", reason)
    best = of_integers(array, storage) if activations == "int8" else None
    best = best or smallest(array, values, storage)
    if best is None:
        return Choice(None, "dense", "every sparse form is larger")
    share = best.size_bytes / array.nbytes
    return Choice(best, best.form, f"{share:.1%} of its dense size")


def unfit(array: np.ndarray) -> str:
    """Why no operator reads `array` sparse, or empty."""
    fits = array.ndim == 2 and array.dtype == np.float32
    return "" if fits else "it is no matrix of 32-bit floats"


def too_large(array: np.ndarray, values: Values) -> str:
    """Why the type of the values does not hold the numbers of `array`, or empty."""
    holds = values != "f16" or float(np.abs(array).max(initial=0)) <= LARGEST_F16
    return "" if holds else "it has numbers that 16 bits do not hold"


def of_integers(array: np.ndarray, storage: Storage = "auto") -> Stored | None:
    """The smallest form that multiplies 8-bit integers; None where that does not pay.

    The kernels multiply four neighbouring inputs at once, zeros among them included.
    """
    fours = np.pad(array != 0, ((0, 0), (0, -array.shape[1] % 4))).reshape(len(array), -1, 4)
    if nonzero_count(array) < LEAST_OF_FOUR * np.count_nonzero(fours.any(axis=2)):
        return None
    best = smallest(array, "int8", storage)
    if best is None or np.abs(decoded(best) / best.scales).sum(axis=1).max() > LARGEST_SUM:
        return None
    return replace(best, integers=True)


def smallest(
    array: np.ndarray,
    values: Values,
    storage: Storage = "auto",
    among: Callable[[tuple[int, int]], bool] = lambda block: True,
) -> Stored | None:
    """The form with the fewest bytes; None where all have more than the dense weight.

    Args:
        array: a matrix [outputs, inputs] of 32-bit floats.
        values: the type of the stored numbers.
        storage: how positions are written.
        among: which blocks may be used.
    """
    form = smallest_form(array, values, storage, among)
    if form is None:
        return None
    return written(array, form.block, form.kind, values)


@dataclass(frozen=True)
class Form:
    """A way to write a weight, before it is written."""

    block: tuple[int, int]
    kind: Kind


def smallest_form(
    array: np.ndarray,
    values: Values,
    storage: Storage = "auto",
    among: Callable[[tuple[int, int]], bool] = lambda block: True,
) -> Form | None:
    """The form that `smallest` writes; None where all have more bytes than the dense weight."""
    scales = 4 * (array.shape[0] if values == "int8" else 1)
    least, best = array.nbytes - scales, None
    there = array != 0
    for block in filter(among, BLOCKS):
        for size, kind in sizes(there, block, values, storage, least):
            if size < least:
                least, best = size, Form(block, kind)
    return best
