"""Whether ONNX Runtime computes from the file what PyTorch computes from the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from sparsify.errors import CheckFailed
from sparsify.examples import at_sizes
from sparsify.program import Program
from sparsify.report import Parity
from sparsify.runtime.session import run, session

SHAPES: tuple[Mapping[str, int], ...] = (
    {"batch": 1, "sequence": 5},
    {"batch": 3, "sequence": 17},
    {"batch": 5, "sequence": 40},
)
"""Sizes that no capture uses; a batch of one is where dimensions vanish."""


def parity(
    program: Program,
    path: Path,
    *,
    shapes: Iterable[Mapping[str, int]] = SHAPES,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> Parity:
    """Compare all outputs of `program` (eval mode, fp32) and of the ONNX file at `path`.

    Args:
        program: what PyTorch computes.
        path: the ONNX file.
        shapes: sizes of the named dynamic dimensions to try, each with inputs of its own.
        tolerance: noted in the result; see `require`.
        seed: of the inputs.

    Returns:
        The largest absolute difference; infinite where shapes differ or a number is not finite on
        one side only.

    Raises:
        Problem: ONNX Runtime does not accept the file.
    """
    runtime = session(path)
    worst, scale, tried = 0.0, 1.0, []
    for number, sizes in enumerate(shapes):
        inputs = at_sizes(program.inputs, program.dynamic, sizes, seed=seed + number)
        expected = [value.float().numpy(force=True) for value in program.outputs(inputs)]
        worst = max(worst, difference(expected, run(runtime, inputs)))
        scale = max(scale, *(float(np.abs(e).max()) for e in expected if np.isfinite(e).all()))
        tried.append(list(sizes.values()))
    return Parity(max_abs_difference=worst, scale=scale, tolerance=tolerance, shapes=tried)


def require(found: Parity) -> Parity:
    """The same parity.

    Raises:
        CheckFailed: the difference is above the tolerance.
    """
    allowed = found.tolerance * found.scale
    if not found.max_abs_difference <= allowed:
        raise CheckFailed(
            f"ONNX Runtime's outputs differ from PyTorch's by {found.max_abs_difference:.1e}, "
            f"more than the {allowed:.1e} that export.tolerance allows"
        )
    return found


def difference(expected: list[np.ndarray], found: list[np.ndarray]) -> float:
    """The largest absolute difference of two lists of arrays, infinite if they do not match."""
    if [e.shape for e in expected] != [f.shape for f in found]:
        return float("inf")
    worst = 0.0
    for e, f in zip(expected, found, strict=True):
        finite = np.isfinite(e) & np.isfinite(f)
        if not np.array_equal(e[~finite], f[~finite], equal_nan=True):
            return float("inf")
        if finite.any():
            worst = max(worst, float(np.abs(e[finite].astype(np.float64) - f[finite]).max()))
    return worst
