"""What a criterion asks for, measured on the program, and what it makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from passes.patterns import Branches
from passes.units import OneStructure, Place
from sparsify.analysis.structures import Units
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.program import Program
from sparsify.statistics import input_norms, mean_gradients, unit_gradients

SCALED = ("head", "kv-group", "neuron")
"""Kinds of structures whose units a mask can scale where they are read."""


class Scoring:
    """Scores of units by a criterion; what it needs is measured once, scores are made when asked.

    Args:
        learned: the scores that training has learned, by weight.

    Raises:
        Problem: the criterion needs samples, and there are none; or it is none for the places.
    """

    def __init__(
        self,
        criterion: Chosen,
        program: Program,
        places: Sequence[Place],
        learned: Mapping[str, Tensor],
    ) -> None:
        self.criterion = criterion
        self.of_places: dict[str, Tensor] = {}
        weights = list(dict.fromkeys(name for place in places for name in place.weights))
        self.given: dict[str, Mapping[str, Any]] = {
            "weight": {name: program.tensor(name).detach() for name in weights},
            "name": {name: name for name in weights},
            "scores": learned,
        }
        if "gradient" in criterion.needs:
            self.given["gradient"] = mean_gradients(program, weights)
        if "input_norm" in criterion.needs:
            self.given["input_norm"] = input_norms(program, weights)
        if "unit_gradients" in criterion.needs:
            self.of_places = _by_mask(criterion, program, places)

    def units(self, place: Place) -> Tensor:
        """Scores of the units at `place`."""
        if place.name in self.of_places:
            return self.of_places[place.name]
        scores = {
            name: self.criterion(
                **{need: self.given[need][name] for need in self.criterion.needs}
            ).detach()
            for name in place.weights
        }
        return place.units(scores)


def _by_mask(criterion: Chosen, program: Program, places: Sequence[Place]) -> dict[str, Tensor]:
    """Place -> scores by the gradient of a mask on each of its units."""
    structures = [place for place in places if isinstance(place, OneStructure)]
    groups: list[Units] = []
    for place in structures:
        if isinstance(place.structure, Branches) or place.structure.kind not in SCALED:
            raise Problem(
                f"{criterion} is for heads and neurons, not for a {place.structure.kind}",
                hint="set `pattern: head` or `pattern: neuron`",
            )
        groups.append(place.structure.units)
    scores: Tensor = criterion(unit_gradients=unit_gradients(program, groups))
    parts = torch.split(scores, [place.count for place in structures])
    return {place.name: place.compared(part) for place, part in zip(structures, parts, strict=True)}
