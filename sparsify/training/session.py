"""What one training run works with: the programs, the rows of every step, and the look-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparsify.data import Encoded
from sparsify.history import History
from sparsify.plan import Duty
from sparsify.program import Program
from sparsify.taps import tap, tapped
from sparsify.watch import Watch

TOKENS = 8192
"""Tokens in one batch of an evaluation, padding included."""


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

    def predict(self, program: Program) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """f32[N, classes]: the logits for the validation set, in the precision of training."""
        rows = torch.arange(len(self.validation))
        found = read(program, self.validation, rows, ("logits",), self.precision, Watch())
        return np.asarray(found["logits"].numpy())


def read(
    program: Program,
    data: Encoded,
    rows: Tensor,
    taps: Sequence[str],
    precision: str,
    watch: Watch,
) -> dict[str, Tensor]:
    """Tapped values of `program` in eval mode, without gradients, for `rows` of `data`, f32.

    Rows of like length share a batch. The random state is not touched.
    """
    module = tapped(program, taps)
    training = program.module.training
    device = next(program.module.parameters()).device
    found: dict[str, Tensor] = {}
    watch.begin("encode", len(rows))
    module.eval()
    done = 0
    with torch.no_grad(), autocast(device, precision):
        for places in by_length(data.lengths[rows]):
            inputs = data.batch(rows[places])
            values = module(**{name: value.to(device) for name, value in inputs.items()})
            for name in taps:
                value = values[name].float().cpu()
                if name not in found:
                    found[name] = torch.empty(len(rows), *value.shape[1:])
                found[name][places] = value
            done += len(places)
            watch.advance("encode", done, {})
    module.train(training)
    return found


def has_one_size(program: Program, name: str) -> bool:
    """Whether a tapped value is one vector for every row, however many tokens the row has."""
    return name in ("cls", "mean") or tap(program, name).meta["val"].ndim <= 2


def by_length(lengths: Tensor) -> Iterable[Tensor]:
    """Places of all `lengths`, in groups of about `TOKENS` tokens, the longest first."""
    order = lengths.argsort(descending=True, stable=True)
    start = 0
    while start < len(order):
        count = max(1, TOKENS // int(lengths[order[start]]))
        yield order[start : start + count]
        start += count


def best_precision(wanted: str, device: torch.device) -> str:
    """`fp32` or `bf16`; for `auto`, bf16 where `device` has instructions for it."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "fp32"


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """bf16 autocast where `precision` asks for it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
