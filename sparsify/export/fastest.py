"""The fastest way to store a weight on this machine, predicted and, where it is close, timed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sparsify.export.cost_model import CostModel, cost_model
from sparsify.export.layers import milliseconds, opened
from sparsify.report import Speed
from sparsify.runtime.library import missing_library
from sparsify.runtime.session import physical_cores
from sparsify.smallest import (
    Choice,
    choose,
    of_integers,
    share_of_zeros,
    smallest,
    too_large,
    unfit,
)
from sparsify.storage import Activations, Stored, Values, cells_of

SMALLEST_SIDE = 64
"""Outputs or inputs below which calling a kernel costs as much as it computes."""
CLOSE = 1.5
"""How far predictions may be off: what is within that of the break-even is timed."""
SECONDS = 0.1
"""In which the forms of one weight are timed."""
LARGEST_TIMED = 1 << 30
"""Bytes of a dense weight that is timed: a model made in memory ends at 2 GB."""


def fastest(
    array: np.ndarray,
    *,
    tokens: int,
    values: Values = "f32",
    activations: Activations = "f32",
    measured: bool = False,
    threads: int | None = None,
) -> Choice:
    """Dense, or the sparse form that is faster; the smallest form where no kernels are.

    Args:
        array: the weight [outputs, inputs].
        tokens: rows of the layer's input.
        values: the type of the stored numbers.
        activations: with `int8`, forms that multiply integers compete, too; they are timed.
        measured: whether every form is timed, and not only predicted.
        threads: threads of one operator; left out, one a physical core.
    """
    if not np.count_nonzero(array == 0):
        return Choice(None, "dense", "it has no zeros")
    if reason := unfit(array) or too_large(array, values):
        return Choice(None, "dense", reason)
    if missing_library():
        return choose(array, values=values, least=0, activations=activations)
    if min(array.shape) < SMALLEST_SIDE:
        return Choice(None, "dense", "too small for a sparse kernel to gain")
    forms = _forms(array, values)
    if activations == "int8" and (integers := of_integers(array)):
        forms, measured = [*forms, integers], True
    if not forms:
        zeros = 100 * share_of_zeros(array)
        return Choice(None, "dense", f"{zeros:.0f} % sparse: every sparse form is larger")
    return _faster(array, forms, tokens, threads or physical_cores(), measured)


def _faster(
    array: np.ndarray, forms: list[Stored], tokens: int, threads: int, measured: bool
) -> Choice:
    """The fastest of the forms and dense; they are timed where the predictions are close."""
    model = cost_model(tokens, threads)
    predicted = [_predicted(model, array, form) for form in forms]
    close = 1 / CLOSE < max(speed.ratio for speed in predicted) < CLOSE
    timed: list[Speed] = []
    if (measured or close) and array.nbytes <= LARGEST_TIMED:
        timed = _timed(array, forms, tokens, threads)
    speeds = timed or predicted
    best = int(np.argmin([speed.sparse_ms for speed in speeds]))
    if speeds[best].ratio > 1:
        reason = f"{100 * share_of_zeros(array):.0f} % sparse: {speeds[best].ratio:.1f}x as fast"
        form = forms[best]
        return Choice(form, form.form, reason, predicted[best], timed[best] if timed else None)
    reason = _too_slow(model, array, forms[0], predicted[0].ratio / speeds[0].ratio)
    return Choice(None, "dense", reason, predicted[0], timed[0] if timed else None)


def _forms(array: np.ndarray, values: Values) -> list[Stored]:
    """The smallest form, and the smallest of which four outputs are zero together."""
    found = smallest(array, values)
    if found is None or _unit(found) > 1:
        return [found] if found else []
    together = smallest(array, values, among=lambda block: block[0] % 4 == 0)
    return [found, together] if together else [found]


def _unit(form: Stored) -> int:
    """How many outputs the kernels compute together."""
    return 4 if form.block[0] % 4 == 0 else 1


def _density(array: np.ndarray, unit: int) -> float:
    """The share of its blocks of `unit` outputs that are not zero."""
    return len(cells_of(array, (unit, 1))) * unit / array.size


def _predicted(model: CostModel, array: np.ndarray, form: Stored) -> Speed:
    unit = _unit(form)
    return model.predict(form.shape, unit, _density(array, unit))


def _timed(array: np.ndarray, forms: Sequence[Stored], tokens: int, threads: int) -> list[Speed]:
    inputs = np.random.default_rng(0).standard_normal((tokens, array.shape[1]), dtype=np.float32)
    layers = [opened(array, threads), *(opened(form, threads) for form in forms)]
    dense_ms, *each_ms = milliseconds(layers, inputs, threads=threads, seconds=SECONDS)
    return [Speed(tokens=tokens, dense_ms=dense_ms, sparse_ms=sparse_ms) for sparse_ms in each_ms]


def _too_slow(model: CostModel, array: np.ndarray, form: Stored, slower: float) -> str:
    """What sparsity the weight would need; zeros that a kernel skips are counted."""
    unit = _unit(form)
    zeros = f"{100 * (1 - _density(array, unit)):.0f} % sparse"
    limit = model.break_even(form.shape, unit, slower)
    if limit is None:
        return f"{zeros}: dense is faster for this shape at any sparsity"
    return f"{zeros}: below the break-even of {100 * limit:.0f} % for this shape"
