"""Files of a result: ONNX that was checked before it got its name, checkpoint, tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from sparsify import export, plugins
from sparsify.atomic import make_folder
from sparsify.errors import Problem
from sparsify.export.lowered import COMPACTED, Lowered
from sparsify.onnx_report import QUANTIZED
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.recipe import Export, Model, Recipe
from sparsify.report import Exported, Parity, RunReport
from sparsify.run.clock import Clock
from sparsify.run.quantizing import quantized_export, require_no_data
from sparsify.run.setup import Setup, prepare
from sparsify.run.sizes import USUAL_LENGTH, usual_length, usual_sizes
from sparsify.runtime.library import STOCK, missing_library
from sparsify.watch import Watch


def checked_export(
    program: Program,
    path: Path,
    settings: Export,
    longest: int | None,
    *,
    dense: bool = False,
    sequence: int = USUAL_LENGTH,
) -> Exported:
    """Write `program` to `path` as ONNX, if ONNX Runtime computes the same from it.

    Where 16-bit or 8-bit values round the weights, it is held to what PyTorch computes with the
    rounded ones; what rounding costs, the task's metrics tell. Where inputs of layers are rounded
    to 8 bits, it is held to that without the rounding of inputs, and how far that goes is told.

    Args:
        program: the program, on the CPU.
        path: the file.
        settings: opset, lowering and tolerance.
        longest: the most tokens that the model takes.
        dense: whether weights are stored as they are, whatever the lowering.
        sequence: tokens of a text, at which the file shall be fast.

    Raises:
        CheckFailed: the outputs differ by more than the tolerance; `path` is not written.
    """
    draft = path.with_name(path.name + ".part")
    lowering, sizes = None if dense else settings.lowering, usual_sizes(program, sequence)
    made = export.emit(program, draft, opset=settings.opset, lowering=lowering, sizes=sizes)
    rounded = _with_rounded(program, made)
    compare = partial(export.parity, rounded, longest=longest, tolerance=settings.tolerance)
    try:
        found, stock = _judged(draft, made, compare)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return _exported(made, found, stock)


def _judged(
    path: Path, made: Sequence[Lowered], compare: Callable[..., Parity]
) -> tuple[Parity, Parity | None]:
    """The parity of the file at `path`, and that without the sparse kernels if they ran."""
    rounds = any(weight.told.form.endswith("x int8") for weight in made)
    judged = path.with_name(f"{path.name}.judged") if rounds else path
    try:
        if rounds:
            export.without_rounding(path, judged)
        found = export.require(compare(judged))
        stock = None if found.kernels == STOCK else export.require(compare(judged, sparse=False))
        if rounds:
            told = compare(path).max_abs_difference
            found = found.model_copy(update={"inputs_rounded_difference": told})
        return found, stock
    finally:
        if rounds:
            judged.unlink(missing_ok=True)


def _exported(made: Sequence[Lowered], parity: Parity, stock_parity: Parity | None) -> Exported:
    stored = [weight.told for weight in made]
    sparse = any(weight.form not in ("dense", "coo", COMPACTED) for weight in stored)
    missing = missing_library() if sparse else ""
    rounded = any(weight.rounded is not None for weight in made)
    return Exported(
        stored=stored,
        parity=parity.model_copy(update={"rounded": rounded}),
        stock_parity=stock_parity and stock_parity.model_copy(update={"rounded": rounded}),
        warnings=[missing] if missing else [],
    )


def note_export(report: RunReport, made: Exported) -> None:
    """Put what is known of the sparse file into the report."""
    report.stored = made.stored
    report.parity, report.stock_parity = made.parity, made.stock_parity
    report.warnings += made.warnings


def _with_rounded(program: Program, made: Sequence[Lowered]) -> Program:
    """The program with the numbers that are in the file, where they are not its own."""
    rounded = {each.told.name: each.rounded for each in made if each.rounded is not None}
    if not rounded:
        return program
    found = program.clone()
    with torch.no_grad():
        for name, array in rounded.items():
            found.tensor(name).copy_(torch.from_numpy(array))
    return found


def export_model(
    target: str,
    output: Path,
    *,
    opset: int | None = None,
    lowering: Any = None,
    quantize: str | None = None,
    watch: Watch | None = None,
) -> Exported:
    """Export a model folder, or the checkpoint of a run, to `output/model.onnx`.

    Args:
        target: the folder, or what else a recipe's `model` may be.
        output: where the files go.
        opset: the version of the standard ONNX operators.
        lowering: how weights are stored, as `export.lowering` of a recipe says it.
        quantize: `dynamic`, for a second file in 8 bits, or `static`, for which there are no data.
        watch: told of everything that happens.

    Raises:
        Problem: `target` is no model, there is no such lowering, or `output` cannot be written to.
        CheckFailed: ONNX Runtime computes something else.
    """
    watch = watch or Watch()
    settings = _settings(opset=opset, lowering=lowering, quantize=quantize)
    require_no_data(settings)
    clock = Clock(watch)
    setup = prepare(Recipe(model=Model(path=target), passes=[]), clock)
    apply(settings.passes, setup.program, after=watch.passed)
    make_folder(output)
    with clock.phase("export"):
        found = _both_files(setup, output, settings)
    for sentence in found.warnings:
        watch.warn(sentence)
    setup.source.save_assets(output)
    return found


def _both_files(setup: Setup, output: Path, settings: Export) -> Exported:
    program, length = setup.program, usual_length(setup)
    path = output / "model.onnx"
    found = checked_export(program, path, settings, setup.longest, sequence=length)
    if settings.quantize:
        path, sizes = output / QUANTIZED, usual_sizes(program, length)
        found.quantized = quantized_export(program, path, settings, setup.longest, sizes)
    return found


def _settings(**said: Any) -> Export:
    plugins.load()
    try:
        return Export.model_validate({key: value for key, value in said.items() if value})
    except ValidationError as error:
        first = error.errors()[0]
        hint = first.get("ctx", {}).get("hint", "")
        raise Problem(first["msg"], where=".".join(map(str, first["loc"])), hint=hint) from None
