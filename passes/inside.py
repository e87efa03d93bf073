"""The weights that a pass prunes one by one, whichever pattern it follows inside them."""

from __future__ import annotations

from passes.places import find_places
from passes.units import OneWeight
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.program import Program


def places_inside(
    program: Program, pattern: Chosen, targets: list[str]
) -> tuple[list[OneWeight], dict[str, str]]:
    """The masked weights that `targets` mean, and the others with the reason to leave them.

    Raises:
        Problem: training is to prune one of them, the pattern reaches through several weights, or
            what `find_places` raises.
    """
    if "program" in pattern.needs:
        raise Problem(
            f"`{pattern}` reaches through several weights, and weights are corrected one by one",
            where="pattern",
            hint="use `prune`, or the pattern `element`",
        )
    found, left = find_places(program, pattern, targets)
    places = [place for place in found if isinstance(place, OneWeight)]
    for duty in program.plan.duties:
        if both := [place.name for place in places if place.name in duty.covers]:
            raise Problem(
                f"{both[0]!r} is pruned by an earlier pass while training",
                hint="give the two passes targets that do not overlap",
            )
    return places, left
