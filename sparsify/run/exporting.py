"""Files of a result: ONNX that was checked before it got its name, checkpoint, tokenizer."""

from __future__ import annotations

from pathlib import Path

from sparsify import export
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.recipe import Export, Model, Recipe
from sparsify.report import Parity
from sparsify.run.clock import Clock
from sparsify.run.setup import prepare
from sparsify.watch import Watch


def checked_export(program: Program, path: Path, settings: Export, longest: int | None) -> Parity:
    """Write `program` to `path` as ONNX, if ONNX Runtime computes the same from it.

    Args:
        program: the program, on the CPU.
        path: the file.
        settings: opset, lowering and tolerance.
        longest: the most tokens that the model takes.

    Raises:
        CheckFailed: the outputs differ by more than the tolerance; `path` is not written.
    """
    draft = path.with_name(path.name + ".part")
    export.emit(program, draft, opset=settings.opset, lowering=settings.lowering)
    try:
        found = export.parity(program, draft, longest=longest, tolerance=settings.tolerance)
        export.require(found)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    draft.replace(path)
    return found


def export_model(
    target: str, output: Path, *, opset: int | None = None, watch: Watch | None = None
) -> Parity:
    """Export a model folder, or the checkpoint of a run, to `output/model.onnx`.

    Raises:
        Problem: `target` is no model, or `output` cannot be written to.
        CheckFailed: ONNX Runtime computes something else.
    """
    watch = watch or Watch()
    settings = Export() if opset is None else Export(opset=opset)
    clock = Clock(watch)
    setup = prepare(Recipe(model=Model(path=target), passes=[]), clock)
    apply(settings.passes, setup.program, after=watch.passed)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"cannot be written to ({(error.strerror or 'refused').lower()})", where=str(output)
        ) from None
    with clock.phase("export"):
        found = checked_export(setup.program, output / "model.onnx", settings, setup.longest)
    setup.source.save_assets(output)
    return found
