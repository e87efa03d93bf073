"""Distillation adds one weighted term, and refuses what makes no sense."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from passes.distill import Distill
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.plan import Duty, Moment
from tests.sparsify.programs import Toy, program, ran


def duty(**options: Any) -> Duty:
    (found,) = ran(Toy, Distill.model_validate(options)).plan.duties
    return found


def moment(student: torch.Tensor, teacher: torch.Tensor) -> Moment:
    rows = torch.arange(len(student))
    return Moment(0, rows, rows, {"logits": student}, {"logits": teacher})


def test_the_term_is_the_weighted_loss_and_only_the_student_learns() -> None:
    student = torch.randn(3, 2).requires_grad_()
    teacher = torch.randn(3, 2)
    term = duty(weight=0.5, loss="mse").loss(moment(student, teacher))
    assert term is not None
    torch.testing.assert_close(term, 0.5 * F.mse_loss(student, teacher))
    term.backward()
    assert student.grad is not None


def test_it_says_what_it_does() -> None:
    found = program(Toy)
    (step,) = apply([Distill.model_validate({"loss": {"kl": {"temperature": 4}}})], found)
    assert step.report.did == {"logits": "0.9 * kl(temperature=4.0)"}
    (owed,) = found.plan.duties
    assert owed.promises() == ["0.9 * kl(temperature=4.0) of the teacher's logits"]
    assert (owed.taps, owed.teacher_taps, owed.covers) == (("logits",), ("logits",), ())


def test_a_second_one_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        ran(Toy, Distill(), Distill())
    assert str(caught.value) == ("passes[1]: the logits are distilled already; keep one `distill`")


def test_kl_of_numbers_is_a_mistake() -> None:
    with pytest.raises(Problem) as caught:
        duty().accept(regression=True)
    assert str(caught.value) == (
        "`kl` compares classes, and the labels are numbers; set `loss: mse`"
    )
    duty(loss="mse").accept(regression=True)
    duty().accept(regression=False)
