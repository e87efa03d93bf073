"""Whether ONNX Runtime computes from the file what PyTorch computes from the program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from sparsify.errors import CheckFailed
from sparsify.examples import at_sizes, other_sizes
from sparsify.program import Program
from sparsify.report import Parity
from sparsify.runtime.library import STOCK
from sparsify.runtime.session import kernels_of, run, session

SHAPES, TRIED = 3, 9
"""At how many shapes a file is tried where none are given, out of how many that come to mind."""


def parity(
    program: Program,
    path: Path,
    *,
    shapes: Iterable[Mapping[str, int]] | None = None,
    longest: int | None = None,
    tolerance: float = 1e-4,
    seed: int = 0,
    sparse: bool = True,
) -> Parity:
    """Compare all outputs of `program` (eval mode, fp32) and of the ONNX file at `path`.

    The difference is infinite where shapes differ or a number is not finite on one side only.

    Args:
        program: what PyTorch computes.
        path: the ONNX file.
        shapes: sizes of the named dynamic dimensions to try, each with inputs of its own; left out,
            sizes that no capture uses.
        longest: the most tokens that the model takes.
        tolerance: noted in the result; see `require`.
        seed: of the inputs.
        sparse: whether sparse kernels run, where the file is for them and they are here.

    Raises:
        Problem: ONNX Runtime does not accept the file.
    """
    runtime = session(path, sparse=sparse)
    worst, scale, tried = 0.0, 1.0, []
    for number, sizes in enumerate(shapes or usual_sizes(program, longest)):
        inputs = at_sizes(program.inputs, program.dynamic, sizes, seed=seed + number)
        expected = [_array(value) for value in program.outputs(inputs)]
        worst = max(worst, difference(expected, run(runtime, inputs)))
        scale = max(scale, *(float(np.abs(e).max()) for e in expected if np.isfinite(e).all()))
        tried.append(list(sizes.values()))
    ran = kernels_of(path) if sparse else STOCK
    said = {"tolerance": tolerance, "shapes": tried, "kernels": ran}
    return Parity.model_validate({"max_abs_difference": worst, "scale": scale, **said})


def usual_sizes(program: Program, longest: int | None = None) -> Iterator[dict[str, int]]:
    """Sizes of the named dimensions at which `program` stands for its model.

    None is longer than `longest`, unless the example is. Where the captured sizes are the only
    ones, they are all.
    """
    captured = {
        label: program.inputs[name].shape[dimension]
        for name, dims in program.dynamic.items()
        for dimension, label in dims.items()
    }
    found: list[dict[str, int]] = []
    for number in range(TRIED):
        sizes = other_sizes(program.inputs, program.dynamic, number)
        for label, size in sizes.items():
            sizes[label] = min(size, max(longest or size, captured[label]))
        if program.origin.allows(sizes) and sizes not in found:
            found.append(sizes)
    yield from found[:SHAPES] or [captured]


def _array(value: Tensor) -> np.ndarray:
    found: np.ndarray = (value.float() if value.is_floating_point() else value).numpy(force=True)
    return found


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
