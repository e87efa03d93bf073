"""The fastest way to store a weight on this machine, predicted and, where it is close, timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sparsify.export.cost_model import INTEGERS, CostModel, cost_model
from sparsify.export.layers import milliseconds, opened
from sparsify.report import Speed
from sparsify.runtime.library import missing_library
from sparsify.runtime.session import physical_cores
from sparsify.smallest import (
    Choice,
    Form,
    choose,
    of_integers,
    smallest_form,
    too_large,
    unfit,
)
from sparsify.storage import Activations, Stored, Values, grid_of, written
from sparsify.zeros import share_of_zeros

SMALLEST_SIDE = 64
"""Outputs or inputs below which calling a kernel costs as much as it computes."""
CLOSE = 1.5
"""How far predictions may be off: what is within that of the break-even is timed."""
SECONDS = 0.1
"""In which the forms of one weight are timed."""
LARGEST_TIMED = 1 << 30
"""Bytes of a dense weight that is timed: a model made in memory ends at 2 GB."""


@dataclass(frozen=True)
class Asked:
    """What a layer is to be fast at, and whether predictions do."""

    tokens: int
    threads: int
    measured: bool
    eight_bits: bool = False
    """Whether a dense layer is computed in 8 bits."""

    @property
    def model(self) -> CostModel:
        found = cost_model(self.tokens, self.threads)
        return found.in_eight_bits() if self.eight_bits else found


def fastest(
    array: np.ndarray,
    *,
    tokens: int,
    values: Values = "f32",
    activations: Activations = "f32",
    measured: bool = False,
    may_time: bool = True,
    threads: int | None = None,
    eight_bits: bool = False,
) -> Choice:
    """Dense, or the sparse form that is faster; the smallest form where no kernels are.

    Args:
        array: the weight [outputs, inputs].
        tokens: rows of the layer's input.
        values: the type of the stored numbers.
        activations: with `int8`, forms that multiply integers compete, too.
        measured: whether every form is timed, and not only predicted.
        may_time: whether anything is timed; a plan predicts, and makes no form that would lose.
        threads: threads of one operator; left out, one a physical core.
        eight_bits: whether a dense layer is computed in 8 bits.
    """
    if not share_of_zeros(array):
        return Choice(None, "dense", "it has no zeros")
    if reason := unfit(array) or too_large(array, values):
        return Choice(None, "dense", reason)
    if missing_library():
        return choose(array, values=values, least=0, activations=activations)
    if min(array.shape) < SMALLEST_SIDE:
        return Choice(None, "dense", "too small for a sparse kernel to gain")
    asked = Asked(tokens, threads or physical_cores(), measured, eight_bits)
    integers = of_integers(array) if activations == "int8" else None
    if not may_time and (lost := _lost(array, asked.model, integers)):
        return lost
    forms: list[Form | Stored] = [*_forms(array, values), *([integers] if integers else [])]
    if not forms:
        return Choice(None, "dense", f"{_zeros(array)}: every sparse form is larger")
    return _faster(array, forms, values, asked, may_time)


def _zeros(array: np.ndarray) -> str:
    return f"{share_of_zeros(array):.0%} sparse"


def _lost(array: np.ndarray, model: CostModel, integers: Stored | None) -> Choice | None:
    """Dense, where no form can be faster, however it is written."""
    shape = (array.shape[0], array.shape[1])
    units = [unit for unit in (1, 4) if array.shape[0] % unit == 0]
    units += [INTEGERS] if integers else []
    predicted = {unit: model.predict(shape, unit, density(array, unit)) for unit in units}
    best = max(units, key=lambda unit: predicted[unit].ratio)
    if predicted[best].ratio > 1:
        return None
    return Choice(None, "dense", _too_slow(model, array, best, 1.0), predicted[best])


def _faster(
    array: np.ndarray, forms: list[Form | Stored], values: Values, asked: Asked, may_time: bool
) -> Choice:
    """The fastest of the forms and dense; they are timed where the predictions are close."""
    model = asked.model
    predicted = [_predicted(model, array, form) for form in forms]
    close = 1 / CLOSE < max(speed.ratio for speed in predicted) < CLOSE
    timed: list[Speed] = []
    if may_time and (asked.measured or close) and array.nbytes <= LARGEST_TIMED:
        made = [_written(array, form, values) for form in forms]
        timed = _timed(array, made, asked)
    speeds = timed or predicted
    best = int(np.argmin([speed.sparse_ms for speed in speeds]))
    if speeds[best].ratio > 1:
        reason = f"{_zeros(array)}: {speeds[best].ratio:.1f}x as fast"
        stored = _written(array, forms[best], values)
        seen = timed[best] if timed else None
        return Choice(stored, stored.form, reason, predicted[best], seen)
    slower = predicted[0].ratio / speeds[0].ratio
    reason = _too_slow(model, array, unit_of(forms[0].block), slower)
    return Choice(None, "dense", reason, predicted[0], timed[0] if timed else None)


def _forms(array: np.ndarray, values: Values) -> list[Form]:
    """The smallest form, and the smallest of which four outputs are zero together."""
    found = smallest_form(array, values)
    if found is None or unit_of(found.block) > 1:
        return [found] if found else []
    together = smallest_form(array, values, among=lambda block: block[0] % 4 == 0)
    return [found, together] if together else [found]


def _written(array: np.ndarray, form: Form | Stored, values: Values) -> Stored:
    return form if isinstance(form, Stored) else written(array, form.block, form.kind, values)


def unit_of(block: tuple[int, int]) -> int:
    """How many outputs the kernels compute together."""
    return 4 if block[0] % 4 == 0 else 1


def timed_as(form: Form | Stored) -> int:
    """What the cost model calls it."""
    return INTEGERS if isinstance(form, Stored) and form.integers else unit_of(form.block)


def density(array: np.ndarray, unit: int) -> float:
    """The share of its blocks of `unit` outputs that are not zero; of integers, of four inputs."""
    if unit == 1:
        return 1 - share_of_zeros(array)
    if unit == INTEGERS:
        padded = np.pad(array, ((0, 0), (0, -array.shape[1] % 4)))
        return int(np.count_nonzero(grid := grid_of(padded, (1, 4)))) / max(grid.size, 1)
    grid = grid_of(array, (unit, 1))
    return int(np.count_nonzero(grid)) / max(grid.size, 1)


def _predicted(model: CostModel, array: np.ndarray, form: Form | Stored) -> Speed:
    unit = timed_as(form)
    return model.predict((array.shape[0], array.shape[1]), unit, density(array, unit))


def _timed(array: np.ndarray, forms: Sequence[Stored], asked: Asked) -> list[Speed]:
    tokens, threads = asked.tokens, asked.threads
    inputs = np.random.default_rng(0).standard_normal((tokens, array.shape[1]), dtype=np.float32)
    dense = opened(array, threads, eight_bits=asked.eight_bits)
    layers = [dense, *(opened(form, threads) for form in forms)]
    dense_ms, *each_ms = milliseconds(layers, inputs, threads=threads, seconds=SECONDS)
    return [Speed(tokens=tokens, dense_ms=dense_ms, sparse_ms=sparse_ms) for sparse_ms in each_ms]


def _too_slow(model: CostModel, array: np.ndarray, unit: int, slower: float) -> str:
    """What sparsity the weight would need; zeros that a kernel skips are counted."""
    zeros = f"{1 - density(array, unit):.0%} sparse"
    limit = model.break_even((array.shape[0], array.shape[1]), unit, slower)
    if limit is None:
        return f"{zeros}: dense is faster for this shape at any sparsity"
    return f"{zeros}: below the break-even of {limit:.0%} for this shape"
