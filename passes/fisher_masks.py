"""Remove heads and neurons by the curvature of the task's loss, without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from passes.mask_search import rearrange, search
from passes.mask_tuning import WIDEST, tune
from passes.patterns import Branches
from passes.places import find_places
from passes.units import OneStructure
from sparsify.analysis.cost import macs_per_weight
from sparsify.analysis.structures import Structure
from sparsify.kinds import pattern
from sparsify.pipeline import Pass, Report
from sparsify.program import Program
from sparsify.statistics import count, unit_gradients


class FisherMasks(Pass):
    """Writes the masks of heads and neurons, and scales the weights that read those which stay.

    Kwon et al. 2022, arXiv:2204.09656. The gradients of a mask on every unit are taken at each
    sample; heads and neurons compete by their squares for the multiply-accumulates that are left;
    within each layer they are chosen anew by all products of two of them; then each layer's units
    are scaled to bring the residual stream back. `shrink` removes what is zero.
    """

    calibrates: ClassVar[bool] = True

    sparsity: Annotated[float, Field(ge=0, le=1)]
    """The share of the multiply-accumulates of heads and neurons that goes, at least."""
    sequence: Annotated[int, Field(gt=0)] = 128
    """The tokens of the examples that multiply-accumulates are counted for."""
    rearrange: bool = True
    """Whether units of one layer are chosen together, by how their gradients correlate."""
    tune: bool = True
    """Whether what stays is scaled."""
    targets: list[str] = Field(default=["*"])
    """Which structures, each by any of its masked weights: names, globs, `re:` patterns, roles."""

    @property
    def structural(self) -> bool:
        return True

    def run(self, program: Program) -> Report:
        places, left = self._places(program)
        report = Report(left=left)
        if not places:
            return report
        gradients = unit_gradients(program, [_of(each).units for each in places]).cpu()
        costs = [cost for each in unit_costs(program, places, self.sequence) for cost in each]
        most = round((1 - self.sparsity) * sum(costs))
        chosen = search(gradients.square().mean(0), costs, most)
        parts = torch.split(chosen, [place.count for place in places])
        by_place = torch.split(gradients, [place.count for place in places], dim=1)
        if self.rearrange:
            parts = tuple(rearrange(*each) for each in zip(parts, by_place, strict=True))
        if self.tune:
            report.left |= _tuned(program, places, parts)
        for place, kept in zip(places, parts, strict=True):
            place.begin()
            place.write(kept.float())
            report.did[place.name] = f"{place.count} {place.noun} -> {int(kept.sum())}"
        kept_costs = sum(cost for cost, kept in zip(costs, torch.cat(parts), strict=True) if kept)
        report.facts["removed_macs_fraction"] = 1 - kept_costs / sum(costs)
        report.facts["samples"] = float(count(program))
        return report

    def _places(self, program: Program) -> tuple[list[OneStructure], dict[str, str]]:
        found: list[OneStructure] = []
        left: dict[str, str] = {}
        for name in ("head", "neuron"):
            places, others = find_places(program, pattern.choose(name), self.targets)
            found += [each for each in places if isinstance(each, OneStructure)]
            left |= others
        return found, left


def _of(place: OneStructure) -> Structure:
    assert not isinstance(place.structure, Branches)
    return place.structure


def unit_costs(program: Program, places: Sequence[OneStructure], sequence: int) -> list[list[int]]:
    """The multiply-accumulates of every unit at each place, for one example of `sequence` tokens.

    A unit's share of a weight's products is that of its channels; attention's own products are
    shared among all heads by the channels that they hand on.
    """
    macs = macs_per_weight(program, sequence=sequence)
    heads = {each.name: _handed_on(each) for each in places if _of(each).kind != "neuron"}
    found = []
    for place in places:
        own = 0.0
        for part in _of(place).units.parts:
            if part.parameter in macs:
                size = program.tensor(part.parameter).shape[part.axis]
                own += macs[part.parameter] * part.indices.shape[1] / size
        if place.name in heads:
            own += macs.get("", 0) * heads[place.name] / sum(heads.values()) / place.count
        found.append([max(1, round(own))] * place.count)
    return found


def _handed_on(place: OneStructure) -> int:
    """How many channels the units of a place hand on together."""
    return next(part.indices.size for part in _of(place).units.parts if part.reads)


def _tuned(
    program: Program, places: Sequence[OneStructure], parts: Sequence[Tensor]
) -> dict[str, str]:
    """Scale what stays; the weights that were not scaled, and why."""
    owners: dict[str, Tensor] = {}
    dead: dict[str, Tensor] = {}
    first = 0
    for place, kept in zip(places, parts, strict=True):
        for part in (each for each in _of(place).units.parts if each.reads):
            weight = program.tensor(part.parameter)
            none = torch.full((weight.shape[part.axis],), -1, device=weight.device)
            owner = owners.setdefault(part.parameter, none)
            gone = dead.setdefault(part.parameter, owner.new_zeros(len(owner), dtype=torch.bool))
            indices = torch.from_numpy(part.indices)
            numbers = first + torch.arange(place.count)[:, None].expand_as(indices)
            owner[indices.flatten()] = numbers.flatten().to(owner)
            gone[indices[~kept].flatten()] = True
        first += place.count
    done: Mapping[str, float] = dict(tune(program, owners, dead))
    left = {
        name: f"not scaled: a factor would be {largest:.0f}"
        for name, largest in done.items()
        if largest > WIDEST
    }
    several = "not scaled: it is multiplied several times, or with no rows"
    return left | {name: several for name in owners if name not in done}
