"""Write zeros into masks, at once or gradually while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from passes.gradual_pruning import GradualPruning, write_masks
from sparsify import kinds
from sparsify.analysis.roles import roles, select
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass, Report
from sparsify.program import Program

Fraction = Annotated[float, Field(ge=0, le=1)]


class Scores(BaseModel):
    """How scores that training learns begin, and how fast they change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Literal["magnitude", "zero"] = "magnitude"
    """`magnitude`: |w| divided by its standard deviation over the matrix; `zero`: as in
    arXiv:2005.07683, which collapses to the majority class in runs of a few thousand steps."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-2


class Prune(Pass):
    """mask := pattern(criterion(weight)) ranked to a sparsity, for every weight that has a mask.

    With a schedule other than `one-shot` nothing is zeroed now: training starts dense for `warmup`,
    raises the sparsity to its final value, and stays there for `cooldown`. In both, masks are
    computed anew in every update, so that a pruned weight may return.
    """

    criterion: Annotated[Chosen, kinds.criterion]
    sparsity: Fraction
    """The share of the pruned weights that ends as zero."""
    pattern: Annotated[Chosen, kinds.pattern] = Field(default="element", validate_default=True)
    scope: Literal["weight", "global"] = "weight"
    """Whether each weight reaches the sparsity, or all of them together."""
    targets: list[str] = Field(default=["*"])
    """Which of the masked weights: names, globs, `re:` patterns or roles."""
    schedule: Annotated[Chosen, kinds.schedule] = Field(default="one-shot", validate_default=True)
    warmup: Fraction = 0.1
    cooldown: Fraction = 0.25
    every: Annotated[int, Field(gt=0)] = 8
    """Steps between two updates of the masks."""
    scores: Scores = Scores()

    @model_validator(mode="after")
    def _leaves_time_to_prune(self) -> Prune:
        if self.warmup + self.cooldown >= 1:
            raise ValueError("`warmup` and `cooldown` together leave no step to prune in")
        return self

    @property
    def gradual(self) -> bool:
        """Whether something is left to prune when the pass has run."""
        return float(self.schedule(t=0.0)) < 1

    def run(self, program: Program) -> Report:
        report = Report()
        masks = program.masks()
        if not masks:
            raise Problem("no weight has a mask", hint="put `insert-masks` before it")
        known = roles(program)
        chosen = select({name: known[name] for name in masks}, self.targets, where="targets")
        self._refuse_conflicts(program, chosen)
        report.left = dict.fromkeys((n for n in masks if n not in chosen), "no target")
        if self.gradual:
            program.plan.duties.append(GradualPruning(self, program, chosen))
            share = f"{self.sparsity:.1%} by training, {self.criterion}, {self.schedule}"
            report.did = dict.fromkeys(chosen, share)
            report.facts["planned_sparsity_fraction"] = self.sparsity
            return report
        if "scores" in self.criterion.needs:
            raise Problem(
                f"{self.criterion} learns its scores while training",
                hint="give it a schedule such as `cubic`, or use `magnitude`",
            )
        write_masks(self, program, chosen, self.sparsity, {})
        report.did = {
            name: f"{_zeros(masks[name])} of {masks[name].numel():,} zero" for name in chosen
        }
        report.facts["sparsity_fraction"] = _share([masks[name] for name in chosen])
        return report

    def _refuse_conflicts(self, program: Program, chosen: list[str]) -> None:
        for duty in program.plan.duties:
            if both := [name for name in chosen if name in duty.covers]:
                raise Problem(
                    f"{both[0]!r} is pruned by an earlier pass while training",
                    hint="give the two passes targets that do not overlap",
                )


def _zeros(mask: Tensor) -> str:
    """How many entries are zero, as text."""
    return f"{int((mask == 0).sum()):,}"


def _share(masks: Sequence[Tensor]) -> float:
    return sum(int((m == 0).sum()) for m in masks) / sum(m.numel() for m in masks)
