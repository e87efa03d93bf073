"""What one training run works with: the programs, the rows of every step, and the look-ups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from sparsify.data import Encoded
from sparsify.history import History
from sparsify.metrics import Judge
from sparsify.plan import Duty
from sparsify.program import Program
from sparsify.taps import tapped
from sparsify.training.reading import autocast, has_one_size, judged, read
from sparsify.watch import Watch


@dataclass
class Session:
    """One training run; it is what a duty sees as `sparsify.plan.Run`."""

    student: Program
    teacher: Program | None
    data: Encoded
    """The training set."""
    validation: Encoded
    batches: Sequence[Tensor]
    """i64[B] for every step: the rows that it trains on."""
    folder: Path
    """Where checkpoints and banks are kept."""
    precision: str = "fp32"
    """`bf16`: autocast for training, and for encoding the training set."""
    watch: Watch = field(default_factory=Watch)
    start: int = 0
    """The step that this process began with; above 0 when the run was resumed."""
    history: History = field(init=False)
    """Grows while the run goes; with a checkpoint that it continues, from there."""

    def __post_init__(self) -> None:
        self.history = History(steps=self.steps)

    @property
    def steps(self) -> int:
        return len(self.batches)

    @property
    def labels(self) -> Tensor:
        return self.data.labels

    @property
    def duties(self) -> list[Duty]:
        return self.student.plan.duties

    @cached_property
    def rows(self) -> Tensor:
        """i64: the rows that any step of the run trains on, ascending."""
        rows: Tensor = torch.unique(torch.cat(list(self.batches)))
        return rows

    @cached_property
    def teacher_taps(self) -> tuple[list[str], list[str]]:
        """What the duties read of the teacher: of one size for every row, and of any size."""
        names = sorted({name for duty in self.duties for name in duty.teacher_taps})
        assert self.teacher is not None or not names
        kept = [n for n in names if self.teacher is not None and has_one_size(self.teacher, n)]
        return kept, [name for name in names if name not in kept]

    @cached_property
    def teacher_values(self) -> dict[str, Tensor]:
        """The teacher's values for every row of the run, by tap, in the order of the row numbers.

        They are computed once: the teacher does not change, and rows encoded by length cost less
        than a forward pass in every step, even if each row is used only once.
        """
        names, _ = self.teacher_taps
        if not names:
            return {}
        assert self.teacher is not None
        found = self._encode(self.teacher, self.rows, names)
        return {
            name: torch.zeros(len(self.data), *value.shape[1:]).index_copy_(0, self.rows, value)
            for name, value in found.items()
        }

    def taught(self, rows: Tensor, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The teacher's values for one batch: those that are kept, and those of its tokens."""
        device = next(iter(inputs.values())).device
        found = {name: values[rows].to(device) for name, values in self.teacher_values.items()}
        if self._live_teacher is not None:
            with torch.no_grad(), autocast(device, self.precision):
                found |= self._live_teacher(**inputs)
        return found

    @cached_property
    def _live_teacher(self) -> torch.fx.GraphModule | None:
        _, names = self.teacher_taps
        if not names:
            return None
        assert self.teacher is not None
        return tapped(self.teacher, names).eval()

    def encode(self, program: Program, rows: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        """Tapped values of `program` for `rows` of the training set, f32 on the CPU."""
        if program is self.teacher:
            return {name: self.teacher_values[name][rows] for name in taps}
        return self._encode(program, rows, taps)

    def _encode(self, program: Program, rows: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        return read(program, self.data, rows, taps, self.precision, self.watch)

    def judged(self, program: Program) -> Judge:
        """The judge of the validation set, who has seen `program` in the precision of training."""
        return judged(program, self.validation, self.precision)
