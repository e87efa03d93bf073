"""What training owes the passes that ran: terms of the loss, and work around each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn

from sparsify.tasks import Labels

if TYPE_CHECKING:
    from sparsify.program import Program


@dataclass(frozen=True)
class Moment:
    """One training step, as the terms of the loss see it. B is the batch size."""

    step: int
    rows: Tensor
    """i64[B]: which rows of the training set the batch holds."""
    labels: Tensor
    """i64[B] classes, f32[B] numbers of a regression, i64[B, 2] first and last token of an answer,
    or i64[B, S] classes of tokens, -100 where a token has none."""
    student: Mapping[str, Tensor]
    """The student's tapped values by name; `logits` is always there."""
    teacher: Mapping[str, Tensor]
    """The teacher's tapped values by name, in eval mode, without gradients."""
    tokens: Tensor | None = None
    """b8[B, S]: which places of the batch hold a token and no padding; None: all do."""


class Run(Protocol):
    """What the training driver offers to a duty."""

    student: Program
    teacher: Program | None
    start: int
    """The step that this process began with; above 0 when the run was resumed."""
    folder: Path
    """Where a duty may keep what is too large for a checkpoint."""

    @property
    def batches(self) -> Sequence[Tensor]:
        """i64[B] for each step of the run: its rows of the training set, fixed at the start."""

    @property
    def steps(self) -> int:
        """How many optimizer steps the whole run takes."""

    @property
    def labels(self) -> Tensor:
        """The labels of every row of the training set, as in `Moment`."""

    def encode(self, program: Program, rows: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        """Tapped values of `program` in eval mode for `rows` of the training set, f32."""


@dataclass(frozen=True)
class Learned:
    """Tensors that the optimizer shall learn beside the weights, at their own rate."""

    tensors: Mapping[str, nn.Parameter]
    learning_rate: float


class Duty:
    """What one pass asks of training. Every method may stay as it is.

    The order in a step: `before_step`, forward, `loss`, backward, `after_backward`, optimizer.
    """

    name: str
    taps: tuple[str, ...] = ()
    """The inner values of the student that `loss` reads (see taps.py)."""
    teacher_taps: tuple[str, ...] = ()
    """The values of the teacher that `loss` reads; not empty: a teacher is needed."""
    covers: tuple[str, ...] = ()
    """The weights whose masks this duty writes; two duties may not write the same one."""

    def accept(self, labels: Labels) -> None:
        """Raise a Problem if the labels are of a kind that this duty cannot use."""

    def prepare(self, student: Program, teacher: Program | None) -> None:
        """Before a run is set up, when both programs are there: settle taps and what is learned."""

    def learned(self) -> Learned | None:
        """What the optimizer shall learn for this duty."""
        return None

    def begin(self, run: Run) -> None:
        """Before the first step of a run, and again when a run is resumed."""

    def before_step(self, run: Run, step: int) -> None:
        """Before the forward pass of step `step`, counted from 0; once more at the end."""

    def loss(self, moment: Moment) -> Tensor | None:
        """A scalar to add to the loss, already weighted."""
        return None

    def after_backward(self) -> None:
        """When the gradients are there, before they are clipped and used."""

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold for `restore` to continue exactly."""
        return {}

    def restore(self, run: Run, state: Mapping[str, Tensor], step: int) -> None:
        """Continue from what `state` returned before step `step`."""

    def promises(self) -> list[str]:
        """What this duty will do while training, in sentences."""
        return []

    def planned(self, step: int, steps: int) -> float | None:
        """The share of zeros in `covers` that a schedule asks for before step `step` of `steps`."""
        return None

    def rehearse(self) -> None:
        """Leave the program as sparse as training would, for a plan without training."""

    def facts(self) -> dict[str, float]:
        """Numbers for the progress line and the log: `sparsity_fraction`, `snapshots`."""
        return {}


@dataclass
class Plan:
    """Filled by passes, obeyed by the training driver."""

    duties: list[Duty] = field(default_factory=list)
