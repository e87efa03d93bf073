"""The facts of a model: captured, and looked at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from sparsify import saving
from sparsify.analysis.branches import Anatomy
from sparsify.analysis.cost import macs_per_weight
from sparsify.analysis.coupling import structures
from sparsify.analysis.roles import roles
from sparsify.analysis.structures import Structure
from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.examples import at_sizes
from sparsify.inspection.facts import ModelFacts, Removable, Weight
from sparsify.models import Source, example_inputs, load_model
from sparsify.models.inputs import sequence_limit
from sparsify.program import Program
from sparsify.recipe import Model

BATCH, SEQUENCE = 2, 128
"""The sizes at which a model is looked at; costs are told for one example of such a batch."""


def inspect_model(target: str) -> ModelFacts:
    """All facts of the model that `target` names: a folder, a hub name, a factory.

    Raises:
        Problem: there is no such model, or it cannot be captured.
    """
    return inspected(target)[1]


def inspected(target: str, *, free: bool = False) -> tuple[Program, ModelFacts]:
    """The same with the program; its sizes are symbols where they are `free`, which takes longer.

    Raises:
        Problem: there is no such model, or it cannot be captured.
    """
    if saving.is_saved(target):
        source, program = saving.restored(target)
        return program, _facts(target, source, program, 1, SEQUENCE)
    source = load_model(Model(path=target), labels=None)
    if free:
        program = capture(source.module, *example_inputs(source))
        return program, _facts(target, source, program, 1, SEQUENCE)
    program, batch, sequence = looked_at(source)
    return program, _facts(target, source, program, batch, sequence)


def looked_at(source: Source) -> tuple[Program, int, int]:
    """The program at fixed sizes, which takes half the time, with its batch and its sequence.

    The batch is 1 where the sizes could not be fixed.
    """
    inputs, dynamic = example_inputs(source)
    sequence = min(SEQUENCE, sequence_limit(source) or SEQUENCE)
    sizes = {"batch": BATCH, "sequence": sequence}
    try:
        program = capture(source.module, at_sizes(inputs, dynamic, sizes, seed=0), {})
    except Problem:
        return capture(source.module, inputs, dynamic), 1, sequence
    program.dynamic = dynamic
    return program, BATCH, sequence


def _facts(target: str, source: Source, program: Program, batch: int, sequence: int) -> ModelFacts:
    macs = macs_per_weight(program, batch=1, sequence=sequence)
    of_one = {name: count // batch for name, count in macs.items()}
    parameters = program.module.parameters()
    return ModelFacts(
        model=target,
        architecture=type(source.module).__name__,
        weights=tuple(weights(program, of_one)),
        removable=tuple(map(_removable, structures(program))),
        sequence=sequence,
        attention_macs=of_one.get("", 0),
        size_bytes=sum(each.numel() * each.element_size() for each in parameters),
    )


def weights(program: Program, macs: Mapping[str, int]) -> list[Weight]:
    """Every parameter in graph order; `macs` by weight."""
    known, masks = roles(program), program.masks()
    found = []
    for name, role in known.items():
        tensor = program.effective(name) if name in masks else program.tensor(name).detach()
        kept = int(torch.count_nonzero(tensor))
        share = 1 - kept / tensor.numel() if tensor.numel() else 0.0
        found.append(
            Weight(name, tuple(tensor.shape), role, share, name in masks, macs.get(name, 0))
        )
    return found


def _removable(structure: Structure) -> Removable:
    parts = structure.units.parts
    return Removable(
        kind=structure.kind,
        name=structure.name,
        units=len(structure.units),
        channels=parts[0].indices.shape[1],
        parts=tuple((part.parameter, part.axis) for part in parts),
        frozen=structure.frozen,
    )


def matrix(program: Program, name: str) -> NDArray[np.float32]:
    """The numbers of a weight as products see them: [outputs, inputs, ...] where it has both."""
    tensor = program.effective(name).float()
    for use in program.remember(Anatomy).products.values():
        first = (*use.makes, *use.reads)
        if use.weight == name and len(set(first)) == 2:
            rest = [axis for axis in range(tensor.ndim) if axis not in first]
            tensor = tensor.permute(*first, *rest)
            break
    found: NDArray[np.float32] = tensor.cpu().numpy()
    return found
