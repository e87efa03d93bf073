"""The sizes at which files are made fast and timed."""

from __future__ import annotations

from sparsify.examples import own_sizes
from sparsify.program import Program
from sparsify.recipe_data import Data
from sparsify.run.setup import Setup

USUAL_LENGTH = 128
"""Tokens of a text at which files are made fast and timed."""


def usual_sizes(program: Program, sequence: int) -> dict[str, int]:
    """The sizes of the named dimensions at which files are timed: one text, image or sound."""
    labels = {label for dims in program.dynamic.values() for label in dims.values()}
    own = own_sizes(program.inputs, program.dynamic)
    return {label: 1 if label == "batch" else own.get(label, sequence) for label in labels}


def usual_length(setup: Setup, data: Data | None = None) -> int:
    """Tokens of a text at which files are made fast and timed: no more than there can be."""
    return min(longest_usual(data), setup.longest or USUAL_LENGTH)


def longest_usual(data: Data | None) -> int:
    """The same for a model that takes any length."""
    return min(data.max_length, USUAL_LENGTH) if data else USUAL_LENGTH
