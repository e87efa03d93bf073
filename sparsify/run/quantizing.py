"""The second file of a result, in 8 bits: written, compared with PyTorch, and told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sparsify import export
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.recipe import Export
from sparsify.report import Quantized


def require_no_data(settings: Export) -> None:
    """Hold an export without data to what needs none.

    Raises:
        Problem: ranges are to be found on data.
    """
    if settings.quantize == "static":
        raise Problem(
            "`static` needs data to find ranges on",
            where="--quantize",
            hint="take `dynamic`, or run a recipe with `data` and `export.quantize`",
        )


def quantized_export(
    program: Program, path: Path, settings: Export, longest: int | None, sizes: Mapping[str, int]
) -> Quantized:
    """Write `program` to `path` with what stays dense in 8 bits, for ONNX Runtime alone.

    How far its outputs are from PyTorch's is told and not judged: rounding is what was asked for,
    and the task's metrics tell what it costs.

    Args:
        program: the program, on the CPU.
        path: the file.
        settings: opset, lowering and kind of quantisation.
        longest: the most tokens that the model takes.
        sizes: of the named dimensions, at which the file shall be fast.
    """
    assert settings.quantize is not None
    draft = path.with_name(f"{path.name}.part")
    try:
        made = export.emit(
            program,
            draft,
            opset=settings.opset,
            lowering=settings.lowering,
            sizes=sizes,
            eight_bits=True,
            calibration=program.samples if settings.quantize == "static" else None,
        )
        found = export.parity(program, draft, longest=longest, tolerance=settings.tolerance)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return Quantized(
        mode=settings.quantize,
        stored=[weight.told for weight in made],
        size_bytes=export.inspect_onnx(path).size_bytes,
        max_abs_difference=found.max_abs_difference,
        scale=found.scale,
    )
