"""What the Trainer trains: the tapped program, and what the duties learn beside its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from sparsify.plan import Duty, Moment
from sparsify.taps import tapped
from sparsify.task_loss import task_loss
from sparsify.training.session import Session


class Student(nn.Module):
    """Calls the program for its logits and for every value that a duty reads."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        taps = {name for duty in session.duties for name in duty.taps}
        self.program = tapped(session.student, sorted({"logits"} | taps))
        found = learned(session.duties)
        self.learned = nn.ModuleList(tensors for tensors, _ in found)
        self.rates = [rate for _, rate in found]

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every tapped value by name."""
        values: dict[str, Tensor] = self.program(**inputs)
        return values

    def groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, object]]:
        """Parameters as an optimizer wants them; biases, norms and scores do not decay."""
        weights = [p for p in self.program.parameters() if p.requires_grad]
        found: list[dict[str, object]] = [
            {"params": [p for p in weights if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in weights if p.ndim < 2], "weight_decay": 0.0},
        ]
        for group in found:
            group["lr"] = learning_rate
        for tensors, rate in zip(self.learned, self.rates, strict=True):
            found.append({"params": list(tensors.parameters()), "weight_decay": 0.0, "lr": rate})
        return found


def losses(session: Session, moment: Moment, task_weight: float) -> dict[str, Tensor]:
    """The terms of the loss by name: the task's own, and one for each duty that has one."""
    terms: dict[str, Tensor] = {}
    if task_weight:
        terms["task"] = task_weight * task_loss(moment.student["logits"], moment.labels)
    return terms | duty_terms(session.duties, moment)


def duty_terms(duties: Sequence[Duty], moment: Moment) -> dict[str, Tensor]:
    """The terms of the loss of those duties that have one."""
    found = {duty.name: duty.loss(moment) for duty in duties}
    return {name: loss for name, loss in found.items() if loss is not None}


def learned(duties: Sequence[Duty]) -> list[tuple[nn.ParameterDict, float]]:
    """What each duty learns beside the weights, and at which rate."""
    asked = [each for duty in duties if (each := duty.learned()) is not None]
    # names of parameters may not hold dots
    named = [{name.replace(".", "/"): t for name, t in each.tensors.items()} for each in asked]
    return [
        (nn.ParameterDict(tensors), each.learning_rate)
        for tensors, each in zip(named, asked, strict=True)
    ]
