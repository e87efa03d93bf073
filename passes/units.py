"""What a pattern makes of a program: places, each with units whose masks are written together."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from passes.patterns import Branches
from sparsify.analysis.products import Product
from sparsify.analysis.structures import Structure
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.program import MASK, Program
from sparsify.zeros import nonzero_count

NOUNS = {
    "element": "",
    "n-of-m": "",
    "kv-group": "groups of heads",
    "width": "channels",
    "layer": "branches",
}
"""Pattern or kind of a structure -> what its units are called where that is not its plural."""


class Place(Protocol):
    """Units that are alike and lie at one place."""

    name: str
    weights: tuple[str, ...]
    """Whose masks are written, and whose scores are needed."""
    noun: str
    at_least: int
    """How many units stay, whatever the sparsity."""
    most: float
    """The largest sparsity that the pattern allows."""

    def units(self, scores: Mapping[str, Tensor]) -> Tensor:
        """Scores of units from scores of weights by name."""

    def begin(self) -> None:
        """Set the masks to what they are made from; before any place is written."""

    def write(self, kept: Tensor) -> None:
        """Zero the masks of the units that are not `kept` (0 or 1)."""


class OneWeight:
    """The units of a pattern that stays inside one weight."""

    at_least = 0

    def __init__(self, program: Program, pattern: Chosen, use: Product) -> None:
        self.program, self.pattern, self.name = program, pattern, use.weight
        self.weights: tuple[str, ...] = (use.weight,)
        self.noun = NOUNS.get(pattern.name, f"{pattern.name}s")
        shape = program.tensor(use.weight).shape
        self.axes = _out_in(use, len(shape))
        try:
            units = pattern(scores=torch.zeros(()).expand(shape).permute(self.axes))
        except Problem as problem:
            raise Problem(f"{self.name!r}: {problem.what}", hint=problem.hint) from None
        self.most = 1 - nonzero_count(units == torch.inf) / max(units.numel(), 1)

    def units(self, scores: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = self.pattern(scores=scores[self.name].permute(self.axes))
        return found

    def begin(self) -> None:
        pass

    def write(self, kept: Tensor) -> None:
        mask = self.program.tensor(f"{self.name}{MASK}").permute(self.axes)
        for axis, (size, count) in enumerate(zip(mask.shape, kept.shape, strict=True)):
            if size != count:
                kept = kept.repeat_interleave(size // count, axis)
        mask.copy_(kept)


def _out_in(use: Product, dimensions: int) -> tuple[int, ...]:
    """The axes of a weight in the order [out, in, ...], where these are one each."""
    first = (*use.makes, *use.reads)
    if len(first) != 2 or use.makes == use.reads:
        return tuple(range(dimensions))
    return (*first, *(axis for axis in range(dimensions) if axis not in first))


@dataclass(frozen=True)
class Part:
    """The units of a structure along one axis of a weight."""

    weight: str
    axis: int
    positions: Tensor
    """i64[count]: positions on the axis."""
    units: Tensor
    """i64[count]: the unit that each of them belongs to."""


class OneStructure:
    """The units of a structure: what was zero before stays zero, and scores nothing.

    A unit's score is the sum of its weights' scores over all that is coupled (Li et al. 2016,
    arXiv:1608.08710, section 3.1; Fang et al. 2023, arXiv:2301.12900), divided by the l2 norm of
    the structure's scores, so that structures compare (Michel et al. 2019, arXiv:1905.10650).
    """

    most = 1.0

    def __init__(
        self, program: Program, structure: Structure | Branches, masked: Collection[str]
    ) -> None:
        self.program, self.structure, self.name = program, structure, structure.name
        units = structure.parameters if isinstance(structure, Branches) else structure.units
        self.count = len(units)
        self.noun = NOUNS.get(structure.kind, f"{structure.kind}s")
        self.at_least = 0 if isinstance(structure, Branches) else 1
        self.parts = [each for each in _parts(program, structure) if each.weight in masked]
        self.weights = tuple(dict.fromkeys(part.weight for part in self.parts))
        self.before = {name: _copy(program.tensor(f"{name}{MASK}")) for name in self.weights}

    def units(self, scores: Mapping[str, Tensor]) -> Tensor:
        device = scores[self.weights[0]].device
        total = torch.zeros(self.count, device=device)
        for part in self.parts:
            of_weight = (scores[part.weight] * self.before[part.weight]).float()
            along = of_weight.movedim(part.axis, 0).flatten(1).sum(1)
            total.index_add_(0, part.units.to(device), along[part.positions.to(device)])
        return self.compared(total)

    def compared(self, scores: Tensor) -> Tensor:
        """Scores of the units, comparable with those of other structures."""
        found: Tensor = scores / scores.norm().clamp(min=torch.finfo(scores.dtype).tiny)
        return found

    def begin(self) -> None:
        for name, mask in self.before.items():
            self.program.tensor(f"{name}{MASK}").copy_(mask)

    def write(self, kept: Tensor) -> None:
        for part in self.parts:
            mask = self.program.tensor(f"{part.weight}{MASK}")
            along = torch.ones(mask.shape[part.axis], device=mask.device, dtype=mask.dtype)
            along[part.positions.to(mask.device)] = kept[part.units.to(kept.device)].to(mask)
            mask.mul_(along.view(-1, *[1] * (mask.ndim - part.axis - 1)))


def _copy(mask: Tensor) -> Tensor:
    """The same numbers; those of a mask of ones take no memory."""
    return mask.new_ones(()).expand_as(mask) if bool((mask == 1).all()) else mask.clone()


def _parts(program: Program, structure: Structure | Branches) -> Iterator[Part]:
    if isinstance(structure, Branches):
        for number, names in enumerate(structure.parameters):
            for name in names:
                positions = torch.arange(math.prod(program.tensor(name).shape[:1]))
                yield Part(name, 0, positions, torch.full_like(positions, number))
        return
    for part in structure.units.parts:
        indices = torch.from_numpy(part.indices)
        numbers = torch.arange(len(indices))[:, None].expand_as(indices)
        yield Part(part.parameter, part.axis, indices.flatten(), numbers.flatten())
