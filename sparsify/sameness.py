"""Whether a program still computes what it did."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sparsify.examples import at_sizes, other_sizes
from sparsify.program import Program

TRIED = 6
"""How many sets of other sizes are tried before the captured one alone is compared."""


class Witness:
    """Remembers the outputs of a program, to compare them with what it gives later.

    With a tolerance of 0 they must be equal bit for bit at the captured sizes. Otherwise they may
    differ by that share of the largest number, and are compared at other sizes too.
    """

    def __init__(self, program: Program, tolerance: float) -> None:
        self._tolerance = tolerance
        self._seen: list[tuple[Mapping[str, Tensor], list[Tensor]]] = []
        self._seen.append((program.inputs, program.outputs(gradients=True)))
        if tolerance and (other := _elsewhere(program)) is not None:
            self._seen.append(other)

    def agrees(self, program: Program) -> bool:
        return all(
            len(expected) == len(found) and all(map(self._same, expected, found))
            for inputs, expected in self._seen
            for found in [program.outputs(inputs, gradients=True)]
        )

    def _same(self, expected: Tensor, found: Tensor) -> bool:
        if not self._tolerance or not expected.is_floating_point():
            return torch.equal(expected, found)
        if expected.shape != found.shape:
            return False
        scale = float(expected.abs().max()) if expected.numel() else 0.0
        limit = self._tolerance * scale
        return bool(torch.allclose(expected, found, rtol=0, atol=limit, equal_nan=True))


def _elsewhere(program: Program) -> tuple[Mapping[str, Tensor], list[Tensor]] | None:
    """Inputs of other sizes and the outputs on them; what the program refuses is left out."""
    if not program.dynamic:
        return None
    for number in range(TRIED):
        sizes = other_sizes(program.inputs, program.dynamic, number)
        if program.origin.allows(sizes):
            inputs = at_sizes(program.inputs, program.dynamic, sizes, seed=number)
            try:
                return inputs, program.outputs(inputs, gradients=True)
            except (RuntimeError, ValueError, IndexError):
                continue
    return None
