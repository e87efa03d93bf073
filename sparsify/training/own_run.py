"""A run of a user's own Trainer: the model's forward through a masked program, and the duties."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, fx, nn

from sparsify.errors import Problem
from sparsify.history import History
from sparsify.outputs import program_output
from sparsify.pipeline import Step
from sparsify.plan import Duty, Moment
from sparsify.program import MASK, Program
from sparsify.taps import tapped
from sparsify.training.recorder import Recorder
from sparsify.training.states import restore, states, under
from sparsify.training.student import duty_terms, learned

STATE = "sparsify.safetensors"
"""Beside a checkpoint of the Trainer's: masks, what the duties learn, and their state."""


class OwnRun:
    """What duties see of a run in a Trainer that is not ours (see `sparsify.plan.Run`)."""

    def __init__(
        self,
        student: Program,
        teacher: Program | None,
        folder: Path,
        steps: Callable[[], int],
    ) -> None:
        self.student, self.teacher, self.folder = student, teacher, folder
        self.start = 0
        self.passes: list[Step] = []
        self.losses: dict[str, Tensor] = {}
        """The terms of the last batch's loss."""
        self.history = History()
        self.recorder: Recorder | None = None
        self._steps = steps
        self._last = -1
        for duty in self.duties:
            duty.prepare(student, teacher)
        names = sorted({name for duty in self.duties for name in duty.taps})
        self.program = tapped(student, names, outputs=True)
        found = learned(self.duties)
        self.learned = nn.ModuleList(tensors for tensors, _ in found)
        self.rates = [rate for _, rate in found]

    @property
    def duties(self) -> list[Duty]:
        return self.student.plan.duties

    @property
    def steps(self) -> int:
        return self._steps()

    @property
    def batches(self) -> Sequence[Tensor]:
        _unknown_rows()

    @property
    def labels(self) -> Tensor:
        _unknown_rows()

    def encode(self, program: Program, rows: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        _unknown_rows()

    def forward(self, inputs: Mapping[str, Tensor], *, training: bool) -> tuple[Any, Any]:
        """What the model returns, computed by the masked program, and the tapped values."""
        values = self.program.train(training)(**inputs)
        return program_output(self.student, values), values

    def terms(self, step: int, inputs: Mapping[str, Tensor], values: Any) -> dict[str, Tensor]:
        """What the duties add to the loss of one batch."""
        first = next(iter(inputs.values()))
        labels = inputs.get("labels", torch.zeros(len(first), device=first.device))
        mask = inputs.get("attention_mask")
        moment = Moment(
            step,
            torch.empty(0, dtype=torch.int64),
            labels,
            values,
            self._taught(inputs),
            None if mask is None else mask.bool(),
        )
        return duty_terms(self.duties, moment)

    def _taught(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self._live_teacher is None:
            return {}
        with torch.no_grad():
            found: Mapping[str, Tensor] = self._live_teacher(**inputs)
        return found

    @cached_property
    def _live_teacher(self) -> fx.GraphModule | None:
        names = sorted({name for duty in self.duties for name in duty.teacher_taps})
        if not names:
            return None
        assert self.teacher is not None
        return tapped(self.teacher, names).eval()

    def before_step(self, step: int) -> None:
        """The duties before step `step`: once, though several batches make the step."""
        if step == self._last:
            return
        self._last = step
        self.learned.zero_grad()
        if self.recorder is not None:
            self.recorder.before_step(step)
        for duty in self.duties:
            duty.before_step(self, step)
        if self.recorder is not None:
            self.recorder.masks_written(step)

    def after_backward(self) -> None:
        for duty in self.duties:
            duty.after_backward()

    def begin(self, step: int, folder: Path | None) -> None:
        """Let the duties begin or, with the folder of a checkpoint, continue."""
        self.start = step
        for duty in self.duties:
            duty.begin(self)
        if folder is not None and step:
            restore(self.duties, self, under(self._read(folder), "duty."), step)

    def keep(self, folder: Path) -> None:
        """Write what a checkpoint of the Trainer's lacks."""
        state = {f"mask.{name}": mask.detach() for name, mask in self.student.masks().items()}
        state |= {f"learned.{name}": t for name, t in self.learned.state_dict().items()}
        state |= {f"duty.{name}": each for name, each in states(self.duties).items()}
        save_file({name: each.contiguous() for name, each in state.items()}, folder / STATE)

    def restore(self, folder: Path) -> None:
        """Put the masks of a checkpoint, and what was learned, into their places."""
        state = self._read(folder)
        with torch.no_grad():
            for name, mask in under(state, "mask.").items():
                self.student.tensor(f"{name}{MASK}").copy_(mask)
        self.learned.load_state_dict(under(state, "learned."))

    def _read(self, folder: Path) -> dict[str, Tensor]:
        path = folder / STATE
        if not path.is_file():
            hint = "resume from a checkpoint of a run with the same recipe"
            raise Problem("the checkpoint holds no masks", where=str(path), hint=hint)
        return load_file(path)

    @torch.no_grad()
    def fold(self) -> None:
        """Write the zeros of the masks into the model's own weights."""
        for name in self.student.masks():
            self.student.tensor(name).copy_(self.student.effective(name))


def _unknown_rows() -> NoReturn:
    raise Problem(
        "a pass asks which rows of the training set a batch holds, and a Trainer of your own does "
        "not tell",
        hint="train with `sparsify run`, or drop the pass (`contrast`)",
    )
