"""Training steps as the driver does them, one call a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from benchmarks.shapes import Shape, examples, random_batch, random_data
from sparsify.analysis.roles import roles, select
from sparsify.capture import capture
from sparsify.pipeline import Pass, apply
from sparsify.plan import Moment
from sparsify.program import Program
from sparsify.taps import tapped
from sparsify.training import Session
from sparsify.training.student import Student, losses

RATE = 1e-4
FROZEN = ["embedding"]
"""As the recipes for CAP have it."""
SHORT = 2
"""Tokens in the rows that only fill the banks: encoding them takes no time worth speaking of."""


@dataclass
class PlainStep:
    """Forward, backward and AdamW of a module, on cross-entropy alone."""

    module: nn.Module
    inputs: dict[str, Tensor]

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=RATE, fused=True)
        self.labels = torch.arange(len(self.inputs["input_ids"])) % 2

    def __call__(self) -> None:
        self.optimizer.zero_grad()
        F.cross_entropy(self.module(**self.inputs)["logits"], self.labels).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()


@dataclass
class DutyStep:
    """One step of a session, as the driver does it, from step `next_step` on."""

    session: Session
    next_step: int
    live_teacher: bool = False
    """Whether the teacher runs in every step; else its values were computed once, beforehand."""
    learner: Student = field(init=False)

    def __post_init__(self) -> None:
        session = self.session
        self.learner = Student(session)
        groups = self.learner.groups(RATE, 0.0)
        self.optimizer = torch.optim.AdamW(groups, fused=True)
        names = sorted({name for duty in session.duties for name in duty.teacher_taps})
        assert session.teacher is not None
        self.teacher = tapped(session.teacher, names).eval()
        for duty in session.duties:
            duty.begin(session)
        # snapshots are encoded here, so that no timed step does it
        for step in range(self.next_step):
            if step in _quarters(session.steps):
                for duty in session.duties:
                    duty.before_step(session, step)
        assert session.teacher_values

    def __call__(self) -> None:
        session, step = self.session, self.next_step
        self.next_step += 1
        rows = session.batches[step]
        inputs = session.data.batch(rows)
        for duty in session.duties:
            duty.before_step(session, step)
        self.optimizer.zero_grad()
        values = self.learner(inputs)
        moment = Moment(step, rows, session.labels[rows], values, self._taught(rows, inputs))
        total = torch.stack(list(losses(session, moment, 0.1).values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        for duty in session.duties:
            duty.after_backward()
        torch.nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimizer.step()

    def _taught(self, rows: Tensor, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.live_teacher:
            return {name: values[rows] for name, values in self.session.teacher_values.items()}
        with torch.no_grad():
            found: dict[str, Tensor] = self.teacher(**inputs)
        return found


def _quarters(steps: int) -> set[int]:
    """Where a run with three snapshots takes them."""
    return {round(part * steps / 4) for part in (1, 2, 3)}


@dataclass(frozen=True)
class Course:
    """The rows of a run whose last quarter begins with the steps that are timed."""

    batch: int
    sequence: int
    timed: int
    """How many steps will be timed."""
    distinct: int
    """How many batches they take turns with; each row of them is encoded for every bank."""
    others: int
    """How many other rows fill the banks."""

    @property
    def first(self) -> int:
        """The first timed step: the one after the last snapshot."""
        return 3 * self._quarter + 1

    @property
    def _quarter(self) -> int:
        return 1 + self.timed + self.others // self.batch

    def lengths(self) -> Tensor:
        long = torch.full((self.distinct * self.batch,), self.sequence)
        return torch.cat([long, torch.full((self.others,), SHORT)])

    def batches(self) -> list[Tensor]:
        """i64[batch] for every step; every quarter of the run sees all the other rows."""
        rows = torch.arange(self.distinct * self.batch + self.others)
        long, short = (
            torch.split(each, self.batch)
            for each in torch.split(rows, [self.distinct * self.batch, self.others])
        )
        early = [short[step % len(short)] for step in range(self.first)]
        timed = [long[step % len(long)] for step in range(self.timed)]
        return [*early, *timed, *short]


def session(
    shape: Shape, dense: Program, passes: Sequence[Pass], course: Course, folder: Path
) -> Session:
    """A student, a copy of `dense` that `passes` ran on, with `dense` as its teacher."""
    program = dense.clone()
    apply(passes, program)
    for name in select(roles(program), FROZEN):
        program.tensor(name).requires_grad_(False)
    data = random_data(shape, course.lengths(), list(program.inputs))
    return Session(program, dense, data, data, course.batches(), folder)


def masked_and_plain(
    shape: Shape, dense: Program, passes: Sequence[Pass], batch: int, sequence: int
) -> tuple[PlainStep, PlainStep]:
    """The step of a copy of `dense` that `passes` ran on, and that of the model itself."""
    inputs = random_batch(shape, batch, sequence)
    program = dense.clone()
    apply(passes, program)
    return PlainStep(program.module.train(), inputs), PlainStep(shape.model(), inputs)


def compiled(model: PreTrainedModel, passes: Sequence[Pass]) -> Program:
    """Capture `model`, without a self-test, and run all of `passes`."""
    inputs, dynamic = examples(model)
    program = capture(model, inputs, dynamic)
    apply(passes, program)
    return program
