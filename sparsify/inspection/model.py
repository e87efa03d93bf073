"""The facts of a model: captured, and looked at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sparsify import saving
from sparsify.analysis.branches import Anatomy
from sparsify.analysis.cost import macs_per_weight
from sparsify.analysis.coupling import structures
from sparsify.analysis.roles import roles
from sparsify.analysis.structures import Structure
from sparsify.capture import capture
from sparsify.capture.fixed import capture_at
from sparsify.inspection.facts import ModelFacts, Removable, Weight
from sparsify.models import Source, example_inputs, load_model
from sparsify.models.inputs import sequence_limit
from sparsify.program import Program
from sparsify.recipe import Model
from sparsify.zeros import nonzero_count

SEQUENCE = 128
"""Tokens of the text for which a model is looked at."""


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
        return program, _facts(target, source, program, SEQUENCE)
    source = load_model(Model(path=target))
    if free:
        program = capture(source.module, *example_inputs(source))
        return program, _facts(target, source, program, SEQUENCE)
    program, sequence = looked_at(source)
    return program, _facts(target, source, program, sequence)


def looked_at(source: Source) -> tuple[Program, int]:
    """The program for one text, which takes half the time, and how many tokens that has."""
    sequence = min(SEQUENCE, sequence_limit(source) or SEQUENCE)
    sizes = {"batch": 1, "sequence": sequence}
    return capture_at(source.module, *example_inputs(source), sizes), sequence


def _facts(target: str, source: Source, program: Program, sequence: int) -> ModelFacts:
    macs = macs_per_weight(program, batch=1, sequence=sequence)
    parameters = program.module.parameters()
    return ModelFacts(
        model=target,
        architecture=type(source.module).__name__,
        weights=tuple(weights(program, macs)),
        removable=tuple(map(_removable, structures(program))),
        sequence=sequence,
        attention_macs=macs.get("", 0),
        size_bytes=sum(each.numel() * each.element_size() for each in parameters),
    )


def weights(program: Program, macs: Mapping[str, int]) -> list[Weight]:
    """Every parameter in graph order; `macs` by weight."""
    known, masks = roles(program), program.masks()
    found = []
    for name, role in known.items():
        tensor = program.effective(name) if name in masks else program.tensor(name).detach()
        kept = nonzero_count(tensor)
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
