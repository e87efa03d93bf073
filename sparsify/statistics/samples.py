"""The calibration samples of a program: all of them, or one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from sparsify.errors import Problem
from sparsify.program import Program

LABELS = "labels"
"""What stands beside the inputs in a batch of samples."""
PIECE = 2
"""Samples that are run together where all of them are kept between two weights."""


def samples(program: Program) -> tuple[Mapping[str, Tensor], ...]:
    """The batches of `program.samples`.

    Raises:
        Problem: there are none.
    """
    if not program.samples:
        raise Problem(
            "there is nothing to calibrate on",
            hint="set data.train=FILE, of which the first `data.calibration_rows` are used; "
            "in Python give `calibration`",
        )
    return program.samples


def pieces(program: Program) -> tuple[Mapping[str, Tensor], ...]:
    """The same samples, few at a time; batches whose values are not all of its rows stay whole.

    Raises:
        Problem: there are none.
    """
    found: list[Mapping[str, Tensor]] = []
    for batch in samples(program):
        rows = {len(value) if value.ndim else 0 for value in batch.values()}
        starts = range(0, max(rows), PIECE) if len(rows) == 1 else ()
        found += [
            {name: value[first : first + PIECE] for name, value in batch.items()}
            for first in starts
        ] or [batch]
    return tuple(found)


def inputs(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the program is called with."""
    return {name: value for name, value in batch.items() if name != LABELS}


def one_by_one(program: Program) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
    """The inputs and the label of every single sample, [1, ...].

    Raises:
        Problem: there are no samples, or they have no labels.
    """
    for batch in samples(program):
        if LABELS not in batch:
            raise Problem("calibrating by gradients needs labels", hint="set data.label=COLUMN")
        for row in range(len(batch[LABELS])):
            one = {name: value[row : row + 1] for name, value in batch.items()}
            yield inputs(one), one[LABELS]


def count(program: Program) -> int:
    """How many single samples there are."""
    return sum(len(next(iter(batch.values()))) for batch in samples(program))
