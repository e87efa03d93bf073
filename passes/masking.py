"""From scores of weights to masks: ranked at their places, and never fewer units than must stay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from passes.budgets import budget
from passes.ranking import JOINT, keep_largest, rank
from passes.scoring import Scoring
from passes.units import Place
from sparsify.program import MASK, Program
from sparsify.zeros import zero_count

if TYPE_CHECKING:
    from passes.prune import Prune


@torch.no_grad()
def write_masks(
    settings: Prune,
    program: Program,
    places: Sequence[Place],
    sparsity: float,
    learned: Mapping[str, Tensor],
) -> list[tuple[int, int]]:
    """Set the masks at `places` so that the share `sparsity` of their units is zero.

    Returns:
        How many units are zero, of how many, for each place.
    """
    if not places:
        return []
    scoring = Scoring(settings.criterion, program, places, learned)
    gone = {} if settings.regrow else {place.name: _zero(program, place) for place in places}
    for place in places:
        place.begin()
    # one place after another where they do not compete: scores are as large as weights
    groups = [places] if settings.scope in JOINT else [[place] for place in places]
    given = budget(program, places, settings)
    counts = []
    for group in groups:
        units = [scoring.units(place) for place in group]
        if gone:
            units = [
                each.masked_fill(gone[place.name], -torch.inf)
                for place, each in zip(group, units, strict=True)
            ]
        shares = given.at(sparsity, [place.name for place in group])
        ranked = rank(units, shares, settings.scope)
        for place, each, mask in zip(group, units, ranked, strict=True):
            kept = _enough(mask, each, place.at_least, settings.round_to)
            if gone:
                kept = kept.masked_fill(gone[place.name], 0)
            place.write(kept)
            counts.append((zero_count(kept), kept.numel()))
    return counts


def _enough(mask: Tensor, units: Tensor, at_least: int, round_to: int) -> Tensor:
    """`mask`, or the best of the zeroed units with it, until as many are kept as must be."""
    if at_least == 0 and round_to == 1:
        return mask
    total, count = mask.numel(), int((mask != 0).sum())
    wanted = min(total, math.ceil(max(count, at_least) / round_to) * round_to)
    return mask if wanted == count else keep_largest([units], 1 - wanted / total)[0]


def _zero(program: Program, place: Place) -> Tensor:
    """Which units at `place` are zero as the masks are."""
    masks = {name: program.tensor(f"{name}{MASK}") for name in place.weights}
    return place.units(masks) == 0
