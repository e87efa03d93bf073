"""What became of each weight of an ONNX file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sparsify.export.compact import Cut
from sparsify.export.cost_model import cost_model
from sparsify.report import Speed, StoredWeight
from sparsify.runtime.library import missing_library
from sparsify.runtime.session import physical_cores
from sparsify.zeros import share_of_zeros

COMPACTED = "compacted"
"""The form of a weight that lost outputs or inputs; what is left has the form behind it."""


@dataclass(frozen=True)
class Lowered:
    """How one weight is stored in the file."""

    told: StoredWeight
    rounded: np.ndarray | None = None
    """The numbers that are in the file, where they are not the weight's own."""


def in_eight_bits(lowered: Iterable[Lowered], stored_bytes: Mapping[str, int]) -> list[Lowered]:
    """The same, where some dense weights are stored in 8 bits, in so many bytes."""
    found = []
    for each in lowered:
        told = each.told
        if told.name in stored_bytes:
            size = stored_bytes[told.name]
            told = told.model_copy(update={"form": "dense, int8", "stored_bytes": size})
        found.append(replace(each, told=told))
    return found


def of_whole(lowered: Lowered, cut: Cut, tokens: int) -> Lowered:
    """The same told of the weight before it was cut.

    Args:
        lowered: what became of what was left of it.
        cut: what was left.
        tokens: rows of the layer's input.
    """
    dense = _both_dense(cut, tokens)
    told, rounded = lowered.told, lowered.rounded
    sparse = told.form != "dense"
    predicted = told.predicted if sparse else dense
    if sparse and dense and predicted:
        predicted = predicted.model_copy(update={"dense_ms": dense.dense_ms})
    whole = told.model_copy(
        update={
            "shape": cut.whole.shape[:: -1 if cut.turned else 1],
            "sparsity": share_of_zeros(cut.whole),
            "form": f"{COMPACTED}, {told.form}" if sparse else COMPACTED,
            "reason": f"{cut.reason}; {told.reason}" if sparse else cut.reason,
            "dense_bytes": cut.whole.nbytes,
            "predicted": predicted,
        }
    )
    return Lowered(whole, None if rounded is None else cut.restored(rounded))


def _both_dense(cut: Cut, tokens: int) -> Speed | None:
    """The whole weight and what is left, dense; None where layers cannot be timed."""
    if missing_library():
        return None
    model = cost_model(tokens, physical_cores())
    (rows, columns), left = cut.whole.shape, cut.shape
    dense_ms, left_ms = (model.predict(shape, 1, 1.0).dense_ms for shape in ((rows, columns), left))
    return Speed(tokens=tokens, dense_ms=dense_ms, sparse_ms=left_ms)
