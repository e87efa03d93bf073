"""Prune one weight after another by what flows into it, and correct what stays of it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from passes.budgets import budget
from passes.inside import places_inside
from passes.optimal_brain import prune_columns
from passes.units import OneWeight
from sparsify import kinds
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass, Report
from sparsify.program import MASK, Program
from sparsify.statistics import Inflow, count, inflows, unmeasured


class Sparsegpt(Pass):
    """Writes masks *and* weights so that outputs stay as near as they can, without training.

    Frantar and Alistarh 2023, arXiv:2301.00774. Weights are pruned in the order in which the
    program computes, each on the inputs that the pruned weights before it leave.
    """

    calibrates: ClassVar[bool] = True

    sparsity: Annotated[float, Field(ge=0, le=1)]
    """The share of each weight that ends as zero."""
    scope: Literal["weight", "erk"] = "weight"
    """Whether each weight reaches the sparsity, or a share that `erk` gives by its shape."""
    budgets: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """Weights with a sparsity of their own: names, globs, `re:` patterns or roles, of which the
    last that fits holds."""
    pattern: Annotated[Chosen, kinds.pattern] = Field(default="element", validate_default=True)
    """`element`, `n-of-m` or `block`: what lies within `block` columns."""
    targets: list[str] = Field(default=["*"])
    """Which of the masked weights: names, globs, `re:` patterns or roles."""
    block: Annotated[int, Field(gt=0)] = 128
    """How many columns share one choice of what is pruned."""
    damping: Annotated[float, Field(gt=0)] = 0.01
    """What is added to the Hessian's diagonal, as a share of its mean."""

    def run(self, program: Program) -> Report:
        places, left = places_inside(program, self.pattern, self.targets)
        shares = budget(program, places, self).shares
        self._refuse_wide_units(program, places)
        report = Report(left=left | unmeasured(program, [place.name for place in places]))
        names = [place.name for place in places if place.name not in report.left]
        grams: dict[str, Tensor] = {}
        for inflow in inflows(program, names):
            gram = inflow.gram()
            # a weight that is used again is pruned before its last use, by all of its inputs
            gram += grams.pop(inflow.weight, 0)
            if inflow.last:
                zeros = self._prune(program, inflow, gram, shares[inflow.weight])
                size = program.tensor(inflow.weight).numel()
                report.did[inflow.weight] = f"{zeros:,} of {size:,} zero, the rest corrected"
            else:
                grams[inflow.weight] = gram
            # it may be larger than the weight, and the next one is made beside it
            del gram
        masks = [program.tensor(f"{name}{MASK}") for name in names]
        total = sum(mask.numel() for mask in masks)
        report.facts["sparsity_fraction"] = sum(int((m == 0).sum()) for m in masks) / max(total, 1)
        report.facts["samples"] = float(count(program))
        return report

    def _refuse_wide_units(self, program: Program, places: list[OneWeight]) -> None:
        for place in places:
            scores = {place.name: torch.zeros_like(program.tensor(place.name))}
            columns = scores[place.name].permute(place.axes).shape[1]
            if columns // place.units(scores).shape[1] > self.block:
                raise Problem(
                    f"a {self.pattern} of {place.name!r} is wider than `block`, the {self.block} "
                    "columns that are chosen from at once",
                    where="pattern",
                    hint="use `prune`, or the pattern `element`",
                )

    @torch.no_grad()
    def _prune(self, program: Program, inflow: Inflow, gram: Tensor, sparsity: float) -> int:
        """Write a weight and its mask; how much of it is zero."""
        name, axis = inflow.weight, inflow.axis
        weight, mask = program.tensor(name), program.tensor(f"{name}{MASK}")
        given = (weight * mask).movedim(axis, 1).float()
        pruned, kept = prune_columns(
            given,
            gram,
            sparsity=sparsity,
            pattern=self.pattern,
            block=self.block,
            damping=self.damping,
        )
        weight.copy_(pruned.movedim(1, axis))
        mask.copy_(kept.movedim(1, axis))
        return int((mask == 0).sum())
