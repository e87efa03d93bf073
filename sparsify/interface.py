"""The Python interface, where it is more than one function from below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sparsify import pipeline, schema
from sparsify.analysis.cost import cost, macs_per_weight
from sparsify.atomic import make_folder
from sparsify.batches import samples
from sparsify.errors import Problem
from sparsify.inspection.facts import Weight
from sparsify.inspection.model import weights
from sparsify.pipeline import Step
from sparsify.program import Program
from sparsify.recipe import Export
from sparsify.report import Cost, Exported
from sparsify.run.exporting import checked_export
from sparsify.schema.said import Said, read

ROWS = 128
"""How many rows passes calibrate on, as in recipes."""


def apply(
    recipe: Said, program: Program, *, calibration: Iterable[Any] | None = None, rows: int = ROWS
) -> list[Step]:
    """Run the passes of `recipe` on `program`, in place, and tell what each did.

    Masks are part of the program until `fold-masks` multiplies them into the weights, which are the
    model's own tensors.

    Args:
        recipe: a recipe, its name or file, or a list of passes as they stand in YAML; of a
            recipe only `passes` counts.
        program: what `capture` gave.
        calibration: batches as a DataLoader gives them, for methods that measure the model on data
            (`wanda`, `taylor`, `sparsegpt`, `obert`); `taylor` and `obert` need labels in them.
        rows: how many rows of them, from the first on, are used.

    Returns:
        For each pass its `report` (`did`, `left` and why, `facts`), seconds, nodes and parameters.

    Raises:
        Problem: a mistake in the recipe, a pass that cannot be used on this program, or one that
            works only while training.
    """
    passes = read(recipe).passes
    if calibration is not None:
        device = next(iter(program.inputs.values())).device
        program.samples = samples(calibration, list(program.inputs), rows, device)
    steps = pipeline.apply(passes, program)
    if program.plan.duties:
        raise Problem(
            f"`{program.plan.duties[0].name}` works while training",
            hint="use `sparsify.SparsifyTrainerMixin`, or a one-shot schedule",
        )
    return steps


@dataclass(frozen=True)
class Inspection:
    """What is in a program."""

    cost: Cost
    """Parameters, zeros, multiply-accumulates and bytes of one forward pass."""
    weights: tuple[Weight, ...]
    """Every parameter with its role, shape, sparsity and cost, in the order of the graph."""
    inputs: dict[str, tuple[int | str, ...]]
    """The shape of each input; a dimension that may vary is a name."""

    @property
    def sparsity(self) -> float:
        """The share of zeros among the masked weights or, where there are no masks, in products."""
        masked = [each for each in self.weights if each.masked]
        among = masked or [each for each in self.weights if len(each.shape) > 1]
        total = sum(each.count for each in among)
        zeros = sum(each.sparsity * each.count for each in among)
        return zeros / total if total else 0.0


def inspect(program: Program) -> Inspection:
    """What is in a program: its cost, and every parameter with role, shape and sparsity."""
    macs = macs_per_weight(program)
    shapes = {
        name: tuple(program.dynamic.get(name, {}).get(i, size) for i, size in enumerate(each.shape))
        for name, each in program.inputs.items()
    }
    return Inspection(cost(program), tuple(weights(program, macs)), shapes)


def to_onnx(program: Program, path: Path | str, *, lowering: str = "auto") -> Exported:
    """Write `program` as one ONNX file, after comparing ONNX Runtime with PyTorch at several sizes.

    Masks are folded into the weights of the file; the program stays as it is.

    Args:
        program: what `capture` gave, after passes or training.
        path: the file; its folder is made where it is missing.
        lowering: how weights are stored: `auto`, `sparse`, `coo` or `dense` (docs/runtime.md).

    Returns:
        The parity, and how every weight is stored and why.

    Raises:
        Problem: the folder cannot be written to, or there is no such lowering.
        CheckFailed: ONNX Runtime computes something else; nothing is written.
    """
    recipe = schema.parse({"passes": [], "export": {"lowering": lowering}})
    path = Path(path)
    make_folder(path.parent)
    folded = program.clone()
    folded.to(torch.device("cpu"))
    settings: Export = recipe.export
    pipeline.apply(settings.passes, folded)
    return checked_export(folded, path, settings, None)
