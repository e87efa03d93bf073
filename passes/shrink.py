"""Turn units that are zero into smaller tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from sparsify.analysis.coupling import structures
from sparsify.analysis.structures import Slice, Structure
from sparsify.errors import Problem
from sparsify.pipeline import Pass, Report
from sparsify.program import Program
from sparsify.surgery import make_constant, narrow

Kept = dict[str, dict[int, set[int]]]
"""Parameter -> axis -> the indices that stay."""


class Shrink(Pass):
    """Remove every head, neuron and channel that nothing reads.

    A unit is dead when all weights that read it are zero there. A product whose weight is zero
    altogether becomes its bias, and the attention or the FFN before it vanishes.
    """

    exact: ClassVar[bool] = True
    tolerance: ClassVar[float] = 1e-5

    round_to: Annotated[int, Field(gt=0)] = 1
    """Keep dead units until the number left is a multiple of this, as kernels like it."""

    @property
    def structural(self) -> bool:
        return True

    def run(self, program: Program) -> Report:
        report = Report()
        before = program.parameter_count()
        self._remove_branches(program, report)
        self._remove_units(program, report)
        report.facts["parameters_before"] = before
        report.facts["parameters_after"] = program.parameter_count()
        return report

    def _remove_branches(self, program: Program, report: Report) -> None:
        readers = {
            part.parameter: structure
            for structure in structures(program)
            if structure.kind != "width"
            for part in structure.units[0].slices
            if part.reads and not bool(program.effective(part.parameter).any())
        }
        for name, structure in readers.items():
            try:
                make_constant(program, [name])
            except Problem as problem:
                report.left[name] = problem.what
            else:
                report.did[name] = f"zero: the {_plural(structure)} before it are gone"

    def _remove_units(self, program: Program, report: Report) -> None:
        chosen: list[tuple[Structure, list[int]]] = []
        for structure in structures(program):
            dead = [] if structure.frozen else self._dead(program, structure)
            if dead:
                chosen.append((structure, dead))
            else:
                report.left[structure.name] = structure.frozen or _why(program, structure)
        try:
            narrow(program, _kept(program, chosen))
        except Problem:
            # one of them is at fault: the others are removed one by one
            for each in chosen:
                self._remove(program, each, report)
        else:
            report.did |= {structure.name: _told(structure, dead) for structure, dead in chosen}

    def _remove(self, program: Program, each: tuple[Structure, list[int]], report: Report) -> None:
        structure, dead = each
        try:
            narrow(program, _kept(program, [each]))
        except Problem as problem:
            report.left[structure.name] = problem.what
        else:
            report.did[structure.name] = _told(structure, dead)

    def _dead(self, program: Program, structure: Structure) -> list[int]:
        """The units to remove: all that are dead, but for what `round_to` keeps."""
        dead = _unread(program, structure)
        count = len(structure.units)
        left = max(count - len(dead), 1)
        left = min(-(-left // self.round_to) * self.round_to, count)
        strength = _strength(program, structure, dead)
        return sorted(sorted(dead, key=lambda unit: strength[unit])[: count - left])


def _unread(program: Program, structure: Structure) -> list[int]:
    """The units of which everything that reads them is zero."""
    alive = torch.zeros(len(structure.units), dtype=torch.bool)
    for number, part in enumerate(structure.units[0].slices):
        if part.reads:
            used = _sums(program, part, "count") > 0
            indices = torch.tensor([unit.slices[number].indices for unit in structure.units])
            alive |= used.cpu()[indices].any(1)
    return (~alive).nonzero().flatten().tolist()


def _strength(program: Program, structure: Structure, dead: Sequence[int]) -> Mapping[int, float]:
    """How large the weights are that make each dead unit: the strongest stay longest."""
    found = dict.fromkeys(dead, 0.0)
    for number, part in enumerate(structure.units[0].slices):
        if not part.reads:
            squares = _sums(program, part, "square")
            for unit in dead:
                found[unit] += float(
                    squares[list(structure.units[unit].slices[number].indices)].sum()
                )
    return found


def _sums(program: Program, part: Slice, what: str) -> torch.Tensor:
    """Along the axis of a slice: how many weights are not zero, or the sum of their squares."""
    weight = program.effective(part.parameter)
    others = [axis for axis in range(weight.ndim) if axis != part.axis]
    numbers = weight.square() if what == "square" else (weight != 0).float()
    return numbers.sum(others) if others else numbers


def _kept(
    program: Program, chosen: Sequence[tuple[Structure, list[int]]]
) -> dict[str, dict[int, list[int]]]:
    found: Kept = {}
    for structure, dead in chosen:
        for part in (part for unit in dead for part in structure.units[unit].slices):
            axes = found.setdefault(part.parameter, {})
            if part.axis not in axes:
                axes[part.axis] = set(range(program.tensor(part.parameter).shape[part.axis]))
            axes[part.axis].difference_update(part.indices)
    return {
        name: {axis: sorted(indices) for axis, indices in axes.items()}
        for name, axes in found.items()
    }


def _told(structure: Structure, dead: Sequence[int]) -> str:
    count = len(structure.units)
    return f"{count} {_plural(structure)} -> {count - len(dead)}"


def _plural(structure: Structure) -> str:
    return "channels" if structure.kind == "width" else f"{structure.kind}s"


def _why(program: Program, structure: Structure) -> str:
    """Why nothing is removed from a structure that is not frozen."""
    if len(structure.units) == 1:
        return f"its only {structure.kind} must stay"
    dead = _unread(program, structure)
    if not dead:
        return f"none of {len(structure.units)} {_plural(structure)} is zero"
    return f"{len(dead)} of {len(structure.units)} {_plural(structure)} are zero, but must stay"
