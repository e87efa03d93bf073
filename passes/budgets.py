"""How much each place gives up, where it is not the same for all: by name, or by shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from passes.ranking import JOINT, Scope
from passes.units import Place
from sparsify.analysis.roles import roles, select
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.program import Program


@dataclass(frozen=True)
class Budget:
    """The share that each place gives up in the end, and what that is of all weights."""

    shares: Mapping[str, float]
    """Place -> the share of its units."""
    total: float
    """Of the weights of all places together."""

    def at(self, sparsity: float, names: Sequence[str]) -> list[float]:
        """The shares of the places `names` when all together have come to `sparsity`."""
        if len(set(self.shares.values())) < 2 or not self.total:
            return [sparsity] * len(names)
        return [self.shares[name] * sparsity / self.total for name in names]


class Ranked(Protocol):
    """The settings of a pass that ranks units."""

    @property
    def sparsity(self) -> float: ...
    @property
    def pattern(self) -> Chosen: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def budgets(self) -> Mapping[str, float]: ...


def budget(program: Program, places: Sequence[Place], settings: Ranked) -> Budget:
    """What `places` give up: the sparsity each, by shape where the scope is `erk`, or by name.

    Raises:
        Problem: a name means no weight that is pruned, or a place cannot give up so much.
    """
    sparsity = settings.sparsity
    sizes = {
        place.name: sum(program.tensor(name).numel() for name in place.weights) for place in places
    }
    shares = dict.fromkeys(sizes, sparsity)
    if settings.scope == "erk":
        shapes = {place.name: tuple(program.tensor(place.name).shape) for place in places}
        shares = {name: 1 - kept for name, kept in erdos_renyi(shapes, 1 - sparsity).items()}
    shares |= _named(program, places, settings.budgets)
    for place in places:
        _refuse_too_much(place, shares[place.name], settings)
    if not settings.budgets:
        return Budget(shares, sparsity)
    total = sum(sizes[name] * share for name, share in shares.items())
    return Budget(shares, total / max(sum(sizes.values()), 1))


def _named(
    program: Program, places: Sequence[Place], budgets: Mapping[str, float]
) -> dict[str, float]:
    """Place -> the share that a name gives it."""
    if not budgets:
        return {}
    pruned = {name for place in places for name in place.weights}
    known = {name: role for name, role in roles(program).items() if name in pruned}
    found: dict[str, float] = {}
    for target, share in budgets.items():
        chosen = set(select(known, [target], where="budgets"))
        found |= {place.name: share for place in places if chosen & {*place.weights}}
    return found


def _refuse_too_much(place: Place, share: float, settings: Ranked) -> None:
    if share <= place.most:
        return
    most = f"{settings.pattern} leaves at most {place.most:.1%} zero"
    if share == settings.sparsity:
        raise Problem(most, where="sparsity")
    where = "scope" if settings.scope == "erk" else "budgets"
    raise Problem(f"{place.name!r} would be {share:.1%} zero, and {most}", where=where)


def refuse_scope(settings: Ranked) -> None:
    """Raise a ValueError, for a recipe's reader to place, where a scope is none for the rest."""
    scope = settings.scope
    if "program" in settings.pattern.needs and scope in ("normalised", "lamp", "erk"):
        raise ValueError(
            f"`{scope}` is for units inside one weight, and a {settings.pattern} reaches through "
            "several; set `scope: weight` or `global`"
        )
    if scope in JOINT and settings.budgets:
        raise ValueError(f"`budgets` are of each weight, and `scope: {scope}` ranks all together")


def erdos_renyi(shapes: Mapping[str, Sequence[int]], density: float) -> dict[str, float]:
    """Name -> the share of its weights that stays: ERK, Evci et al. 2019, arXiv:1911.11134.

    Proportional to the sum of a weight's sizes over their product, so that large matrices are
    sparser; what would keep more than all stays dense, and the others make up for it. Over all
    weights together the share is `density`.
    """
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    raw = {name: sum(shape) / sizes[name] for name, shape in shapes.items()}
    dense: set[str] = set()
    while True:
        rest = [name for name in shapes if name not in dense]
        wanted = density * sum(sizes.values()) - sum(sizes[name] for name in dense)
        scale = wanted / sum(raw[name] * sizes[name] for name in rest) if rest else 0.0
        full = [name for name in rest if scale * raw[name] > 1]
        if not full:
            return {name: 1.0 if name in dense else scale * raw[name] for name in shapes}
        dense |= set(full)
