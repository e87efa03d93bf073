"""Program -> ONNX file: dynamic axes, the model's own weight names, complete or not at all."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx
import onnx_ir as ir
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from sparsify.capture.blame import FAILURES, blame, first_line
from sparsify.errors import Problem
from sparsify.export.coo import to_coo
from sparsify.export.lowered import Lowered, in_eight_bits
from sparsify.export.outputs import output_names
from sparsify.export.rewrites import rewrite
from sparsify.kinds import Chosen
from sparsify.program import Program
from sparsify.runtime.session import Arrays

EXTERNAL_ABOVE_BYTES = 1_800_000_000
"""Above this the weights go into `<file>.data` beside the file: a protobuf ends at 2 GB."""


def emit(
    program: Program,
    path: Path,
    *,
    opset: int,
    lowering: Chosen | None = None,
    sizes: Mapping[str, int] | None = None,
    eight_bits: bool = False,
    calibration: Sequence[Arrays] | None = None,
) -> list[Lowered]:
    """Write `program` in eval mode as an ONNX file that a stock ONNX Runtime runs.

    Inputs, dynamic dimensions and weights keep their names, weights their shapes and zeros; outputs
    are called after the fields of the model's output (`logits`). Tied weights are once.

    Args:
        program: what to write, not changed; its masks are folded.
        path: the file to write, in a folder that exists.
        opset: the version of the standard ONNX operators.
        lowering: how weights are stored; left out, as they are.
        sizes: of the named dimensions, that a lowering makes fast.
        eight_bits: whether what stays dense is computed in 8 bits.
        calibration: inputs that fix the ranges of 8 bits; left out, every run finds them.

    Returns:
        How each weight is stored; nothing without a lowering.

    Raises:
        Problem: the file cannot be written.
        onnx.checker.ValidationError: the file is invalid, a bug; nothing is written.
    """
    with _folder_beside(path) as folder:
        model = _translate(program, opset)
        lowered = _lowered(model, lowering, sizes, eight_bits=eight_bits)
        if eight_bits:
            lowered = in_eight_bits(lowered, _quantize(model, calibration, folder))
        with _written(path):
            _save(model, folder, path, lowered)
    return lowered


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A folder on the disk of `path`, gone in the end."""
    if not path.parent.is_dir():
        raise Problem("no such folder", where=str(path.parent), hint="make it first")
    with _written(path):
        folder = Path(tempfile.mkdtemp(prefix=".onnx-", dir=path.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _quantize(
    model: ir.Model, calibration: Sequence[Arrays] | None, folder: Path
) -> dict[str, int]:
    from sparsify.export.calibrate import calibrated
    from sparsify.export.quantize import quantize

    return quantize(model, None if calibration is None else calibrated(model, calibration, folder))


def _translate(program: Program, opset: int) -> ir.Model:
    # a plan imports this package, too, and exports nothing
    from sparsify.export.attention import translations
    from sparsify.export.simplify import simplify

    axes = {name: program.dynamic.get(name, {}) for name in program.inputs}
    free = {name: dict.fromkeys(dims, torch.export.Dim.DYNAMIC) for name, dims in axes.items()}
    with _quiet():
        module = program.clone().module.eval()
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), _quiet(), _told(program, module):
        rewrite(module)
        exported = torch.export.export(
            module, (), dict(program.inputs), dynamic_shapes=free, strict=False
        )
        made = torch.onnx.export(
            exported,
            (),
            kwargs=dict(program.inputs),
            dynamo=True,
            verbose=False,
            optimize=False,
            opset_version=opset,
            input_names=list(program.inputs),
            output_names=output_names(module(**program.inputs)),
            dynamic_shapes=axes,
            custom_translation_table=translations(),
        )
        assert made is not None
        model: ir.Model = made.model
        simplify(model)
    return model


def _lowered(
    model: ir.Model,
    lowering: Chosen | None,
    sizes: Mapping[str, int] | None,
    *,
    eight_bits: bool,
) -> list[Lowered]:
    from sparsify.export.sparse import lower

    return [] if lowering is None else lower(model, lowering, sizes, eight_bits=eight_bits)


def _save(model: ir.Model, folder: Path, path: Path, lowered: list[Lowered]) -> None:
    """Write into `folder`, check, and move to `path`: weights that lie apart first."""
    draft, data = folder / path.name, f"{path.name.removesuffix('.part')}.data"
    tensors = [value.const_value for value in model.graph.initializers.values()]
    large = sum(tensor.nbytes for tensor in tensors if tensor is not None) > EXTERNAL_ABOVE_BYTES
    ir.save(model, draft, format="protobuf", external_data=data if large else None)
    coo = {weight.told.name for weight in lowered if weight.told.form == "coo"}
    if coo:
        to_coo(draft, coo)
    onnx.checker.check_model(str(draft), full_check=not coo)
    if large:
        (folder / data).replace(path.parent / data)
    draft.replace(path)


@contextmanager
def _told(program: Program, module: nn.Module) -> Iterator[None]:
    """Tell what an opaque submodule does that no file can hold as the user's problem."""
    try:
        yield
    except FAILURES as error:
        if not program.origin.opaque:
            raise
        raise Problem(
            f"an opaque submodule cannot be written as ONNX: {first_line(error)}",
            where=blame(error, module),
            hint="rewrite that line",
        ) from error


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Tell a full disk or a missing permission as the user's problem."""
    try:
        yield
    except OSError as error:
        raise Problem(f"cannot be written: {error.strerror}", where=str(path)) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter tells about itself; errors are still raised and logged."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
