"""The only file that calls torch.export to capture a model."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from sparsify.capture.blame import FAILURES, blame, first_line
from sparsify.capture.finite import finite
from sparsify.capture.leaf import as_operators
from sparsify.capture.opaque import Call
from sparsify.capture.sizes import Dynamic, conditions, fixed_dimensions, lines_noted, merged
from sparsify.errors import Problem
from sparsify.origin import Condition

DATA_DEPENDENT = "data-dependent expression"
"""What torch says of a branch on the value of a tensor."""


@dataclass(frozen=True)
class Traced:
    """A model's graph as torch.export gives it."""

    exported: ExportedProgram
    dynamic: dict[str, dict[int, str]]
    """Those of the dimensions asked for that stayed symbolic; equal ones have one name."""
    fixed: dict[str, str]
    """Name of a dimension that the model fixes -> where."""
    conditions: tuple[Condition, ...]
    finite: tuple[str, ...]
    """Lines that branch on whether numbers are finite, which the graph takes them to be."""


def trace(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    dynamic: Dynamic,
    calls: Sequence[Call] = (),
) -> Traced:
    """Export with as many dimensions symbolic as the model allows.

    Args:
        model: what to export, settled.
        inputs: example inputs.
        dynamic: the dimensions that shall be symbolic, by name.
        calls: of the submodules that are opaque.

    Raises:
        Problem: it cannot be exported, not even with all dimensions fixed.
    """
    failure: Exception | None = None
    for free in _attempts(dynamic):
        try:
            with as_operators(model, calls), lines_noted():
                exported, lines = _export(model, inputs, free)
        except FAILURES as error:
            failure = failure or error
            continue
        fixed = fixed_dimensions(exported, inputs, free)
        if failure is not None:
            lost = {label for dims in dynamic.values() for label in dims.values()}
            lost -= {label for dims in free.values() for label in dims.values()}
            fixed |= dict.fromkeys(sorted(lost), blame(failure, model))
        remaining = merged(exported, free, fixed)
        return Traced(exported, remaining, fixed, conditions(exported, remaining), lines)
    assert failure is not None
    raise Problem(
        f"{type(model).__name__} cannot be captured: {_says(failure)}",
        where=blame(failure, model),
        hint="rewrite that line, or name its submodule in capture.opaque",
    ) from failure


def _attempts(dynamic: Dynamic) -> Iterator[Dynamic]:
    """All dimensions free, then each label alone, then none."""
    labels = {label: None for dims in dynamic.values() for label in dims.values()}
    choices = [list(labels), *([label] for label in labels if len(labels) > 1), []]
    for chosen in choices:
        yield {
            name: {place: label for place, label in dims.items() if label in chosen}
            for name, dims in dynamic.items()
        }
        if not labels:
            return


def _export(
    model: nn.Module, inputs: Mapping[str, Tensor], free: Dynamic
) -> tuple[ExportedProgram, tuple[str, ...]]:
    shapes = {name: dict.fromkeys(free.get(name, {}), Dim.AUTO) for name in inputs}
    with _quiet(), finite() as branches:
        exported = torch.export.export(
            model, (), kwargs=dict(inputs), dynamic_shapes=shapes, strict=False
        )
    return exported, tuple(branches.lines)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what torch tells about a graph that it cannot make: the exception says it all."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _says(failure: Exception) -> str:
    says = first_line(failure)
    return "a branch depends on values of tensors" if DATA_DEPENDENT in says else says
