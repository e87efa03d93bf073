"""What `prune` owes training: masks that follow a schedule, and scores that are learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from passes.budgets import budget
from passes.masking import write_masks
from passes.raising import Raising
from passes.ramp import progress, ramp
from passes.units import Place
from sparsify.plan import Learned, Run
from sparsify.program import MASK, Program

if TYPE_CHECKING:
    from passes.prune import Prune


class GradualPruning(Raising):
    """Raises the sparsity of some weights along a schedule while they are trained."""

    name = "prune"

    def __init__(self, settings: Prune, program: Program, places: list[Place]) -> None:
        self.settings = settings
        self.program = program
        self.places = places
        self.covers = tuple(dict.fromkeys(name for place in places for name in place.weights))
        self.budget = budget(program, places, settings)
        self.learns = "scores" in settings.criterion.needs
        start = settings.scores.start
        self.scores = {
            name: nn.Parameter(first_scores(program.tensor(name).detach(), start))
            for name in (self.covers if self.learns else ())
        }

    def learned(self) -> Learned | None:
        if not self.learns:
            return None
        return Learned(self.scores, self.settings.scores.learning_rate)

    def begin(self, run: Run) -> None:
        if self.learns:
            # the gradient of the mask is dL/dW' * W: what a straight-through score learns from
            for name in self.covers:
                self.program.tensor(f"{name}{MASK}").requires_grad_()

    def before_step(self, run: Run, step: int) -> None:
        wanted = self.planned(step, run.steps)
        start, end = ramp(self.settings, run.steps)
        is_due = (step - start) % self._every(end - start) == 0 or step == run.steps
        changes = self.settings.regrow or wanted > self.sparsity
        if wanted > 0 and is_due and changes:
            write_masks(self.settings, self.program, self.places, wanted, self.scores)
            self.sparsity = wanted

    def _every(self, steps: int) -> int:
        """Steps between two updates, where the sparsity rises for `steps`."""
        updates = self.settings.updates
        return self.settings.every if updates is None else max(1, round(steps / updates))

    def after_backward(self) -> None:
        for name, score in self.scores.items():
            mask = self.program.tensor(f"{name}{MASK}")
            score.grad, mask.grad = mask.grad, None

    def planned(self, step: int, steps: int) -> float:
        """The sparsity that the schedule asks for before step `step` of `steps`."""
        return self.budget.total * progress(self.settings, step, steps)

    def promises(self) -> list[str]:
        wanted = self.settings
        by = str(wanted.criterion)
        if wanted.pattern.name != "element":
            by += f", pattern {wanted.pattern}"
        return [
            f"dense for {wanted.warmup:.0%} of the steps, then {wanted.schedule} to "
            f"{self.budget.total:.1%} zero by {by}, {len(self.covers)} weights, "
            f"at the final sparsity for the last {wanted.cooldown:.0%}"
        ]

    def rehearse(self) -> None:
        write_masks(self.settings, self.program, self.places, self.budget.total, self.scores)


def first_scores(weight: Tensor, start: Literal["magnitude", "zero"]) -> Tensor:
    """The scores of `weight` before training: |w| over its standard deviation, or zeros."""
    return torch.zeros_like(weight) if start == "zero" else weight.abs().div_(weight.std())
