"""What `obert` owes training: masks and corrections that follow a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passes.budgets import budget
from passes.raising import Raising
from passes.ramp import progress, ramp
from passes.units import OneWeight
from sparsify.plan import Run
from sparsify.program import Program

if TYPE_CHECKING:
    from passes.obert import Obert


class GradualObert(Raising):
    """Raises the sparsity of some weights in steps, and corrects what stays at each of them."""

    name = "obert"

    def __init__(self, settings: Obert, program: Program, places: list[OneWeight]) -> None:
        self.settings = settings
        self.program = program
        self.places = places
        self.total = budget(program, places, settings).total
        self.covers = tuple(place.name for place in places)

    def planned(self, step: int, steps: int) -> float:
        """The sparsity that the schedule asks for before step `step` of `steps`."""
        return self.total * progress(self.settings, step, steps)

    def before_step(self, run: Run, step: int) -> None:
        wanted = self.planned(step, run.steps)
        is_due = (step - ramp(self.settings, run.steps)[0]) % self.settings.every == 0
        if wanted > self.sparsity and (is_due or step == run.steps):
            self.settings.correct(self.program, self.places, wanted)
            self.sparsity = wanted

    def promises(self) -> list[str]:
        wanted = self.settings
        return [
            f"dense for {wanted.warmup:.0%} of the steps, then {wanted.schedule} to "
            f"{self.total:.1%} zero by the curvature of the loss, {len(self.covers)} weights, "
            f"the others corrected, at the final sparsity for the last {wanted.cooldown:.0%}"
        ]

    def rehearse(self) -> None:
        self.settings.correct(self.program, self.places, self.total)
