"""A capture at fixed sizes: half the work, for those who only look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.examples import at_sizes
from sparsify.program import Program


def capture_at(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    dynamic: Mapping[str, Mapping[int, str]],
    sizes: Mapping[str, int],
    *,
    opaque: Iterable[str] = (),
) -> Program:
    """The program of `model` at `sizes` alone; where it does not run at these, at any.

    Args:
        model: as for `capture`.
        inputs: likewise.
        dynamic: likewise; the program tells them, though its graph holds `sizes`.
        sizes: of named dimensions; one that is left out is as in `inputs`.
        opaque: as for `capture`.

    Raises:
        Problem: it cannot be captured at all.
    """
    opaque = tuple(opaque)
    try:
        program = capture(model, at_sizes(inputs, dynamic, sizes, seed=0), {}, opaque=opaque)
    except Problem:
        return capture(model, inputs, dynamic, opaque=opaque)
    program.dynamic = {name: dict(dims) for name, dims in dynamic.items()}
    return program
