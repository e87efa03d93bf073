"""Where the units of a pattern lie in a program, and where they may not be pruned, and why."""

from __future__ import annotations

from collections.abc import Collection

from passes.patterns import Branches
from passes.units import OneStructure, OneWeight, Place
from sparsify.analysis.products import products
from sparsify.analysis.roles import roles, select
from sparsify.analysis.structures import Structure
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.program import Program


def find_places(
    program: Program, pattern: Chosen, targets: list[str]
) -> tuple[list[Place], dict[str, str]]:
    """The places that `targets` mean, and what else there is, with the reason to leave it.

    Raises:
        Problem: nothing has a mask, a target means nothing, a weight does not fit the pattern, or
            every structure that is meant reaches a weight without a mask.
    """
    masks = program.masks()
    if not masks:
        raise Problem("no weight has a mask", hint="put `insert-masks` before it")
    known = roles(program)
    chosen = select({name: known[name] for name in masks}, targets, where="targets")
    weights = {use.weight: use for use in products(program)}
    if "scores" in pattern.needs:
        inside: list[Place] = [OneWeight(program, pattern, weights[name]) for name in chosen]
        return inside, dict.fromkeys((name for name in masks if name not in chosen), "no target")
    places: list[Place] = []
    left, problems = {}, []
    found: list[Structure | Branches] = pattern(program=program)
    for structure in found:
        if why := _why_not(structure, weights, chosen):
            left[structure.name] = why
        elif bare := _bare(structure, weights, masks):
            left[structure.name] = f"reaches {bare!r}, which has no mask"
            problems.append(_problem(structure, bare))
        else:
            places.append(OneStructure(program, structure, masks))
    if problems and not places:
        raise problems[0]
    return places, left if found else {str(pattern): "the program has none"}


def _parameters(structure: Structure | Branches) -> list[str]:
    if isinstance(structure, Branches):
        return [name for names in structure.parameters for name in names]
    return [part.parameter for part in structure.units.parts]


def _why_not(
    structure: Structure | Branches, weights: Collection[str], chosen: Collection[str]
) -> str:
    """Why a structure is not pruned, or nothing."""
    parameters = _parameters(structure)
    if structure.frozen:
        return structure.frozen
    if not any(name in weights for name in parameters):
        return "no weight of a product makes or reads them"
    return "" if any(name in chosen for name in parameters) else "no target"


def _bare(structure: Structure | Branches, weights: Collection[str], masks: Collection[str]) -> str:
    """A weight of the structure that should have a mask, or nothing."""
    names = _parameters(structure)
    return next((name for name in names if name in weights and name not in masks), "")


def _problem(structure: Structure | Branches, bare: str) -> Problem:
    return Problem(
        f"the {structure.kind} units of {structure.name!r} reach {bare!r}, which has no mask",
        hint=f"put `insert-masks` with the target {bare!r} before it",
    )
