"""Write zeros into masks, at once or gradually while training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from passes.budgets import budget, refuse_scope
from passes.gradual_pruning import GradualPruning
from passes.masking import write_masks
from passes.places import find_places
from passes.ramp import leave_time_to_prune
from passes.ranking import Scope
from passes.units import Place
from sparsify import kinds
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass, Report
from sparsify.program import Program

Fraction = Annotated[float, Field(ge=0, le=1)]


class Scores(BaseModel):
    """How scores that training learns begin, and how fast they change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    start: Literal["magnitude", "zero"] = "magnitude"
    """`magnitude`: |w| divided by its standard deviation over the matrix; `zero`: as in
    arXiv:2005.07683, which collapses to the majority class in runs of a few thousand steps."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-2
    """Of the scores, at its highest."""


class Prune(Pass):
    """mask := pattern(criterion(weight)) ranked to a sparsity, for every weight that has a mask.

    A pattern may group weights of one matrix (`element`, `block`...), or whole structures that
    reach through several (`head`, `neuron`...): then a unit counts once, and all of it is zeroed.

    With a schedule other than `one-shot` nothing is zeroed now: training starts dense for `warmup`,
    raises the sparsity to its final value, and stays there for `cooldown`. In both, masks are
    computed anew in every update, so that a pruned weight may return, unless `regrow` is off; of a
    structure only what the pass itself zeroed.
    """

    criterion: Annotated[Chosen, kinds.criterion]
    sparsity: Fraction
    """The share of the pruned weights, or units of structures, that ends as zero."""
    pattern: Annotated[Chosen, kinds.pattern] = Field(default="element", validate_default=True)
    scope: Scope = "weight"
    """Whether each weight or structure reaches the sparsity, each `row` (the weights of one
    output), or all of them together: `global`ly by their scores, or by scores that are
    `normalised` in each weight (arXiv:1611.06440) or `lamp` (arXiv:2010.07611); or each weight a
    share that `erk` (arXiv:1911.11134) gives by its shape."""
    budgets: dict[str, Fraction] = {}
    """Weights with a sparsity of their own: names, globs, `re:` patterns or roles, of which the
    last that fits holds. A structure is meant by any of its weights."""
    round_to: Annotated[int, Field(gt=0)] = 1
    """Keep a multiple of so many units at each place, or all: widths that kernels like."""
    targets: list[str] = Field(default=["*"])
    """Which of the masked weights: names, globs, `re:` patterns or roles. A structure is meant
    by any of its weights."""
    schedule: Annotated[Chosen, kinds.schedule] = Field(default="one-shot", validate_default=True)
    warmup: Fraction = 0.1
    """The share of the steps before the first zero."""
    cooldown: Fraction = 0.25
    """The share of the steps at the final sparsity."""
    every: Annotated[int, Field(gt=0)] = 8
    """Steps between two updates of the masks."""
    updates: Annotated[int, Field(gt=0)] | None = None
    """Instead of `every`: how many updates there are between `warmup` and `cooldown`."""
    regrow: bool = True
    """Whether a pruned unit may return. If not, masks change only when the sparsity rises."""
    scores: Scores = Scores()
    """Of criteria that learn scores."""

    @model_validator(mode="after")
    def _leaves_time_to_prune(self) -> Prune:
        leave_time_to_prune(self)
        return self

    @model_validator(mode="after")
    def _asks_for_what_there_is(self) -> Prune:
        if self.structural and self.scope == "row":
            raise ValueError(f"a {self.pattern} has no rows; set `scope: weight` or `global`")
        if self.pattern.name == self.scope == "row":
            raise ValueError("each output has one row; set `scope: weight` or `global`")
        refuse_scope(self)
        if self.scope == "lamp" and "scores" in self.criterion.needs:
            what = f"`lamp` compares squares, and the scores of {self.criterion} have a sign"
            raise ValueError(f"{what}; set `scope: normalised`")
        if not self.structural and "unit_gradients" in self.criterion.needs:
            raise ValueError(f"{self.criterion} is for units; set `pattern: head` or `neuron`")
        return self

    @property
    def gradual(self) -> bool:
        """Whether something is left to prune when the pass has run."""
        return float(self.schedule(t=0.0)) < 1

    @property
    def structural(self) -> bool:
        return "program" in self.pattern.needs

    def run(self, program: Program) -> Report:
        report = Report()
        places, report.left = find_places(program, self.pattern, self.targets)
        self._refuse_conflicts(program, places)
        given = budget(program, places, self)
        if self.gradual:
            program.plan.duties.append(GradualPruning(self, program, places))
            how = f"by training, {self.criterion}, {self.schedule}"
            report.did = {name: f"{share:.1%} {how}" for name, share in given.shares.items()}
            report.facts["planned_sparsity_fraction"] = given.total
            return report
        if "scores" in self.criterion.needs:
            raise Problem(
                f"{self.criterion} learns its scores while training",
                hint="give it a schedule such as `cubic`, or use `magnitude`",
            )
        counts = write_masks(self, program, places, given.total, {})
        report.did = {
            place.name: f"{zeros:,} of {total:,} {place.noun}".rstrip() + " zero"
            for place, (zeros, total) in zip(places, counts, strict=True)
        }
        if counts:
            share_of_all = sum(zeros for zeros, _ in counts) / sum(total for _, total in counts)
            report.facts["sparsity_fraction"] = share_of_all
        return report

    def _refuse_conflicts(self, program: Program, places: Sequence[Place]) -> None:
        chosen = [name for place in places for name in place.weights]
        for duty in program.plan.duties:
            if both := [name for name in chosen if name in duty.covers]:
                raise Problem(
                    f"{both[0]!r} is pruned by an earlier pass while training",
                    hint="give the two passes targets that do not overlap",
                )
