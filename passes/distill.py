"""Let the student learn from the teacher's logits while it is trained."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from sparsify import kinds
from sparsify.errors import Problem
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass, Report
from sparsify.plan import Duty, Moment
from sparsify.program import Program


class Distill(Pass):
    """Adds weight * loss(student logits, teacher logits) to the loss of training."""

    exact: ClassVar[bool] = True

    weight: Annotated[float, Field(gt=0)] = 0.9
    loss: Annotated[Chosen, kinds.loss] = Field(default="kl", validate_default=True)

    def run(self, program: Program) -> Report:
        if any(isinstance(duty, Distillation) for duty in program.plan.duties):
            raise Problem("the logits are distilled already", hint="keep one `distill`")
        program.plan.duties.append(Distillation(self))
        return Report(did={"logits": f"{self.weight} * {self.loss}"})


class Distillation(Duty):
    """The distance of the student's logits from the teacher's."""

    name = "distill"
    taps = ("logits",)
    teacher_taps = ("logits",)

    def __init__(self, settings: Distill) -> None:
        self.settings = settings

    def promises(self) -> list[str]:
        return [f"{self.settings.weight} * {self.settings.loss} of the teacher's logits"]

    def accept(self, *, regression: bool) -> None:
        if regression and self.settings.loss.name == "kl":
            raise Problem(
                "`kl` compares classes, and the labels are numbers", hint="set `loss: mse`"
            )

    def loss(self, moment: Moment) -> Tensor | None:
        with torch.autocast(moment.student["logits"].device.type, enabled=False):
            distance: Tensor = self.settings.loss(
                student=moment.student["logits"].float(), teacher=moment.teacher["logits"].float()
            )
        return self.settings.weight * distance
