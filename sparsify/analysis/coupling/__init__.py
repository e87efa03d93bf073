"""Which dimensions of which parameters can only be removed together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sparsify.analysis.coupling import rewrites, rules, units  # noqa: F401 - importing registers them
from sparsify.analysis.coupling.planner import Planner
from sparsify.analysis.coupling.units import Found
from sparsify.analysis.coupling.walk import Walk
from sparsify.analysis.structures import Structure
from sparsify.errors import Problem
from sparsify.program import Program


@dataclass(frozen=True)
class Coupling:
    """All that is known of the channels of a program."""

    planner: Planner
    found: list[Found]


def structures(program: Program) -> list[Structure]:
    """Every structure of the program, in graph order."""
    return [each.structure for each in coupling(program).found]


def coupling(program: Program) -> Coupling:
    """The same, with the classes of channels behind it; cached until the graph changes."""
    return program.remember(_couple)


def _couple(program: Program) -> Coupling:
    walk = Walk(program)
    classes = walk.ids.solve()
    planner = Planner(walk, classes)
    return Coupling(planner, [_proved(planner, each) for each in units.found(walk, classes)])


def _proved(planner: Planner, found: Found) -> Found:
    """Freeze a structure that cannot lose its first unit."""
    if found.structure.frozen or len(found.classes) < 2:
        return found
    try:
        planner.plan(found.classes[:1])
    except Problem as problem:
        return replace(found, structure=replace(found.structure, frozen=problem.what))
    return found
