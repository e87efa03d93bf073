"""Program -> ONNX file: dynamic axes, the model's own weight names, complete or not at all."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import onnx_ir as ir
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from sparsify.capture.blame import FAILURES, blame, first_line
from sparsify.errors import Problem
from sparsify.export.coo import to_coo
from sparsify.export.rewrites import rewrite
from sparsify.kinds import Chosen
from sparsify.program import Program

if TYPE_CHECKING:
    from sparsify.export.sparse import Lowered

EXTERNAL_ABOVE_BYTES = 1_800_000_000
"""Above this the weights go into `<file>.data` beside the file: a protobuf ends at 2 GB."""


def emit(
    program: Program,
    path: Path,
    *,
    opset: int,
    lowering: Chosen | None = None,
    sizes: Mapping[str, int] | None = None,
) -> list[Lowered]:
    """Write `program` in eval mode as an ONNX file that a stock ONNX Runtime runs.

    Inputs keep their names, outputs are called after the fields of the model's output (`logits`),
    dynamic dimensions as in the program. Weights keep names, shapes and zeros; tied ones are once.

    Args:
        program: what to write, not changed; passes that fold masks have run on it.
        path: the file to write; of any name, in a folder that exists.
        opset: the version of the standard ONNX operators.
        lowering: how weights are stored; left out, as they are.
        sizes: of the named dimensions, that a lowering makes fast.

    Returns:
        How each weight is stored; nothing without a lowering.

    Raises:
        Problem: the file cannot be written.
        onnx.checker.ValidationError: the exporter made an invalid file; a bug, nothing is written.
    """
    if not path.parent.is_dir():
        raise Problem("no such folder", where=str(path.parent))
    with _written(path):
        folder = Path(tempfile.mkdtemp(prefix=".onnx-", dir=path.parent))
    try:
        model = _translate(program, opset)
        lowered = _lowered(model, lowering, sizes)
        with _written(path):
            _save(model, folder, path, lowered)
    finally:
        shutil.rmtree(folder)
    return lowered


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
    model: ir.Model, lowering: Chosen | None, sizes: Mapping[str, int] | None
) -> list[Lowered]:
    from sparsify.export.sparse import lower

    return [] if lowering is None else lower(model, lowering, sizes)


def output_names(value: object, name: str = "") -> list[str]:
    """A name for every tensor in what a model returns: `logits`, `hidden_states_0`.

    Fields of a ModelOutput or dict keep theirs; a tensor alone is `logits`.
    """
    if isinstance(value, Tensor):
        return [name or "logits"]
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, (tuple, list)):
        parts = [(str(number), part) for number, part in enumerate(value)]
        name = name or "output"
    else:
        return []
    prefix = f"{name}_" if name else ""
    return [found for key, part in parts for found in output_names(part, prefix + key)]


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
