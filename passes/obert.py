"""Prune by the curvature of the task's loss, and correct what stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor

from passes.budgets import Budget, budget, refuse_scope
from passes.gradual_obert import GradualObert
from passes.inside import places_inside
from passes.optimal_brain import BlockFisher
from passes.ramp import leave_time_to_prune
from passes.ranking import JOINT, Scope, rank
from passes.units import OneWeight
from sparsify import kinds
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass, Report
from sparsify.program import MASK, Program
from sparsify.statistics import count, gradients


class Obert(Pass):
    """Writes masks *and* weights so that the loss rises as little as it can.

    Kurtic et al. 2022, arXiv:2203.07259: salience w^2 / (2 [F^-1]_ww) and the correction of the
    others in the block, with F the empirical Fisher matrix of the calibration samples, one
    gradient a sample. A unit of a pattern has the mean salience of its weights.

    With a schedule other than `one-shot` it does so while training, each time that the schedule
    has risen and `every` steps have gone; what is zero stays zero. `cyclic` is the authors'.
    """

    calibrates: ClassVar[bool] = True

    sparsity: Annotated[float, Field(ge=0, le=1)]
    """The share of the weights that ends as zero."""
    pattern: Annotated[Chosen, kinds.pattern] = Field(default="element", validate_default=True)
    """`element`, `n-of-m`, `block`, `row` or `column`."""
    scope: Scope = "global"
    """Who competes, as in `prune`."""
    budgets: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """Weights with a sparsity of their own, as in `prune`, where they do not all compete."""
    targets: list[str] = Field(default=["*"])
    """Which of the masked weights: names, globs, `re:` patterns or roles."""
    schedule: Annotated[Chosen, kinds.schedule] = Field(default="one-shot", validate_default=True)
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The share of the steps before pruning begins."""
    cooldown: Annotated[float, Field(ge=0, le=1)] = 0.25
    """The share of the steps at the final sparsity."""
    every: Annotated[int, Field(gt=0)] = 100
    """Steps from one possible update to the next."""
    block: Annotated[int, Field(gt=0)] = 50
    """How many consecutive weights correct each other."""
    damping: Annotated[float, Field(gt=0)] = 1e-7
    """What is added to the diagonal of the Fisher matrix."""
    memory: Annotated[float, Field(gt=0)] = 1.0
    """How much the inverse may take at once, in sizes of the model. It is `block` times as large
    as the weights: in less memory the samples are gone through more often."""

    @model_validator(mode="after")
    def _leaves_time_to_prune(self) -> Obert:
        leave_time_to_prune(self)
        refuse_scope(self)
        return self

    def run(self, program: Program) -> Report:
        places, left = places_inside(program, self.pattern, self.targets)
        total = budget(program, places, self).total
        if float(self.schedule(t=0.0)) < 1:
            program.plan.duties.append(GradualObert(self, program, places))
            says = f"{total:.1%} by training, {self.schedule}"
            return Report(did={place.name: says for place in places}, left=left)
        self.correct(program, places, total)
        return self._report(program, places, left)

    def correct(self, program: Program, places: list[OneWeight], sparsity: float) -> None:
        """Set masks and weights of `program` for the share `sparsity`."""
        dense = program.clone()
        given = budget(program, places, self)
        if self.scope in JOINT:
            salience: dict[str, Tensor] = {}
            for group in self._groups(program, places):
                salience |= self._salience(dense, self._fishers(dense, group))
            self._write_masks(places, salience, given, sparsity)
        for group in self._groups(program, places):
            fishers = self._fishers(dense, group)
            if self.scope not in JOINT:
                self._write_masks(group, self._salience(dense, fishers), given, sparsity)
            with torch.no_grad():
                for name, fisher in fishers.items():
                    mask = program.tensor(f"{name}{MASK}")
                    program.tensor(name).copy_(fisher.prune(_effective(dense, name), mask))

    def _groups(self, program: Program, places: list[OneWeight]) -> Iterator[list[OneWeight]]:
        """`places` in groups whose inverses fit into memory together, one of them at least."""
        room = self.memory * program.parameter_count()
        group: list[OneWeight] = []
        size = 0
        for place in places:
            own = program.tensor(place.name).numel() * self.block
            if group and size + own > room:
                yield group
                group, size = [], 0
            group.append(place)
            size += own
        yield group

    def _fishers(self, dense: Program, group: list[OneWeight]) -> dict[str, BlockFisher]:
        names = [place.name for place in group]
        number = count(dense)
        fishers = {
            name: BlockFisher(dense.tensor(name), number, block=self.block, damping=self.damping)
            for name in names
        }
        for found in gradients(dense, names):
            for fisher, gradient in zip(fishers.values(), found, strict=True):
                fisher.add(gradient)
        return fishers

    @torch.no_grad()
    def _salience(self, dense: Program, fishers: Mapping[str, BlockFisher]) -> dict[str, Tensor]:
        return {name: fisher.salience(_effective(dense, name)) for name, fisher in fishers.items()}

    def _write_masks(
        self,
        places: list[OneWeight],
        salience: Mapping[str, Tensor],
        given: Budget,
        sparsity: float,
    ) -> None:
        units = [place.units(salience) for place in places]
        kept = rank(units, given.at(sparsity, [place.name for place in places]), self.scope)
        for place, mask in zip(places, kept, strict=True):
            place.write(mask)

    def _report(self, program: Program, places: list[OneWeight], left: dict[str, str]) -> Report:
        report = Report(left=left)
        masks = {place.name: program.tensor(f"{place.name}{MASK}") for place in places}
        zeros = {name: int((mask == 0).sum()) for name, mask in masks.items()}
        report.did = {
            name: f"{zeros[name]:,} of {mask.numel():,} zero, the rest corrected"
            for name, mask in masks.items()
        }
        total = sum(mask.numel() for mask in masks.values())
        report.facts["sparsity_fraction"] = sum(zeros.values()) / total
        report.facts["samples"] = float(count(program))
        return report


def _effective(program: Program, name: str) -> Tensor:
    """The weight as the program multiplies with it."""
    return (program.tensor(name) * program.tensor(f"{name}{MASK}")).detach()
