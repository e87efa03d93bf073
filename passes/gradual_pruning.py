"""What `prune` owes training: masks that follow a schedule, and scores that are learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from passes.ranking import keep_largest
from sparsify.plan import Duty, Learned, Run
from sparsify.program import MASK, Program

if TYPE_CHECKING:
    from passes.prune import Prune


class GradualPruning(Duty):
    """Raises the sparsity of some weights along a schedule while they are trained."""

    name = "prune"

    def __init__(self, settings: Prune, program: Program, weights: list[str]) -> None:
        self.settings = settings
        self.program = program
        self.covers = tuple(weights)
        self.sparsity = 0.0
        self.learns = "scores" in settings.criterion.needs
        self.scores = {name: self._first_scores(name) for name in weights} if self.learns else {}

    def _first_scores(self, name: str) -> nn.Parameter:
        weight = self.program.tensor(name).detach()
        if self.settings.scores.start == "zero":
            return nn.Parameter(torch.zeros_like(weight))
        return nn.Parameter(weight.abs() / weight.std())

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
        is_due = (step - self._ramp(run.steps)[0]) % self.settings.every == 0
        if wanted > 0 and (is_due or step == run.steps):
            write_masks(self.settings, self.program, self.covers, wanted, self.scores)
            self.sparsity = wanted

    def after_backward(self) -> None:
        for name, score in self.scores.items():
            mask = self.program.tensor(f"{name}{MASK}")
            score.grad, mask.grad = mask.grad, None

    def planned(self, step: int, steps: int) -> float:
        """The sparsity that the schedule asks for before step `step` of `steps`."""
        start, end = self._ramp(steps)
        if step < start:
            return 0.0
        t = min(1.0, (step - start) / max(end - start, 1))
        return self.settings.sparsity * float(self.settings.schedule(t=t))

    def promises(self) -> list[str]:
        wanted = self.settings
        return [
            f"dense for {wanted.warmup:.0%} of the steps, then {wanted.schedule} to "
            f"{wanted.sparsity:.1%} zero by {wanted.criterion}, {len(self.covers)} weights, "
            f"at the final sparsity for the last {wanted.cooldown:.0%}"
        ]

    def rehearse(self) -> None:
        write_masks(self.settings, self.program, self.covers, self.settings.sparsity, self.scores)

    def _ramp(self, steps: int) -> tuple[int, int]:
        start = round(self.settings.warmup * steps)
        return start, max(start, round((1 - self.settings.cooldown) * steps))

    def restore(self, run: Run, state: Mapping[str, Tensor], step: int) -> None:
        self.sparsity = float(state["sparsity"])

    def state(self) -> dict[str, Tensor]:
        return {"sparsity": torch.tensor(self.sparsity, dtype=torch.float64)}

    def facts(self) -> dict[str, float]:
        return {"sparsity_fraction": self.sparsity}


def write_masks(
    settings: Prune,
    program: Program,
    weights: Sequence[str],
    sparsity: float,
    learned: Mapping[str, Tensor],
) -> None:
    """Set the masks of `weights` so that the share `sparsity` of their units is zero."""
    with torch.no_grad():
        units = []
        for name in weights:
            given = {"weight": program.tensor(name).detach(), "scores": learned.get(name)}
            units.append(settings.pattern(scores=settings.criterion(**given).detach()))
        groups = [units] if settings.scope == "global" else [[each] for each in units]
        kept = [mask for group in groups for mask in keep_largest(group, sparsity)]
        for name, mask in zip(weights, kept, strict=True):
            program.tensor(f"{name}{MASK}").copy_(mask)
