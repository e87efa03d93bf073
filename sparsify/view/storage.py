"""How the weights of an ONNX file are stored, those that are alike in one row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from rich.table import Table

from sparsify.report import StoredWeight
from sparsify.view.tables import table
from sparsify.view.tails import Tail
from sparsify.view.weights import shape_words
from sparsify.view.words import percent, plural, size, span

NUMBER = re.compile(r"\d+(\.\d+)?")


def storage_table(stored: Sequence[StoredWeight]) -> Table:
    """One row for the weights that share shape, form and reason; what was no choice comes last."""
    tokens = Counter(speed.tokens for weight in stored if (speed := weight.predicted))
    alone = f"layer at {tokens.most_common(1)[0][0]} tokens" if tokens else "why"
    made = table("weights", "zeros", "stored as", "bytes", alone, right=("zeros", "bytes"))
    for group in sorted(_groups(stored), key=lambda group: not _was_a_choice(group[0])):
        made.add_row(Tail(_who(group)), _zeros(group), group[0].form, _bytes(group), _why(group))
    return made


def _was_a_choice(weight: StoredWeight) -> bool:
    return weight.form != "dense" or weight.predicted is not None


def _groups(stored: Sequence[StoredWeight]) -> list[list[StoredWeight]]:
    """Weights whose reasons differ in their numbers only; the shape counts where it was weighed."""
    found: dict[tuple[object, ...], list[StoredWeight]] = {}
    for weight in stored:
        shape = weight.shape if _was_a_choice(weight) else ()
        reason = NUMBER.sub("", weight.reason)
        found.setdefault((shape, weight.form, reason), []).append(weight)
    return list(found.values())


def _who(group: Sequence[StoredWeight]) -> str:
    if len(group) == 1:
        return group[0].name
    shapes = {weight.shape for weight in group}
    if len(shapes) > 1:
        return plural(len(group), "weight")
    return f"{len(group)} of {shape_words(shapes.pop())}"


def _zeros(group: Sequence[StoredWeight]) -> str:
    """`90%`, or `86-94%`."""
    return span(*(percent(f(weight.sparsity for weight in group), 0) for f in (min, max)))


def _bytes(group: Sequence[StoredWeight]) -> str:
    dense = sum(weight.dense_bytes for weight in group)
    stored = sum(weight.stored_bytes for weight in group)
    return size(dense) if stored == dense else f"{percent(stored / dense)} of {size(dense)}"


def _why(group: Sequence[StoredWeight]) -> str:
    """How much faster the layers are, or what keeps the sparsest of them dense."""
    speeds = [speed for weight in group if (speed := weight.measured or weight.predicted)]
    if group[0].form == "dense" or not speeds:
        sparsest = max(group, key=lambda weight: weight.sparsity)
        # the table has columns for the zeros and the shape
        return sparsest.reason.rpartition(" sparse: ")[2].removesuffix(" for this shape")
    how = "timed" if all(weight.measured for weight in group) else "predicted"
    return f"{median(speed.ratio for speed in speeds):.1f}x, {how}"
