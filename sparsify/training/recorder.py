"""Keeps how a run goes: losses and rate at even distances, zeros and flips of masks at updates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from sparsify.history import History
from sparsify.plan import Duty
from sparsify.program import MASK, Program

POINTS = 200
"""The most points of one series, up to a last one: enough for any plot, and little to keep."""
DIGITS = 6
"""Decimal places of a share of mask entries."""


class Recorded(Protocol):
    """A training run that can be recorded."""

    history: History
    student: Program

    @property
    def steps(self) -> int:
        """How many optimizer steps the whole run takes."""

    @property
    def duties(self) -> list[Duty]:
        """What the passes owe the run."""


class Recorder:
    """Fills the history of a session.

    Masks are compared around every update of a short run, and around `POINTS` updates of a long
    one, and around its last: when one is due they are copied, and the next update is held against
    the copy. The masks that a run begins with are noted as well.
    A run that is resumed copies the same masks, for they change at updates only.
    """

    def __init__(self, session: Recorded) -> None:
        self.session = session
        self.every = max(1, math.ceil(session.steps / POINTS))
        names = dict.fromkeys(name for duty in session.duties for name in duty.covers)
        self.masks = {name: session.student.tensor(name + MASK).detach() for name in names}
        self.sizes = {name: mask.numel() for name, mask in self.masks.items()}
        self.before: dict[str, Tensor] | None = None
        self.versions: list[int] = []

    @property
    def history(self) -> History:
        return self.session.history

    def before_step(self, step: int) -> None:
        """Before the duties may write masks."""
        known = self.history.masks.step
        is_due = not known or step >= known[-1] + self.every or step == self.session.steps
        if self.before is None and is_due:
            self.before = {name: mask != 0 for name, mask in self.masks.items()}
        self.versions = self._versions()

    def masks_written(self, step: int) -> None:
        """After the duties may have written masks: note what changed, if they did."""
        if not self.before:
            return
        if self.versions == self._versions():
            if not self.history.masks.step:
                self._note(step, self.before)
            return
        after = {name: mask != 0 for name, mask in self.masks.items()}
        flips = torch.stack([(after[name] ^ was).sum() for name, was in self.before.items()]).sum()
        self._note(step, after, {"mask_churn_fraction": int(flips) / sum(self.sizes.values())})
        self.before = None

    def _note(
        self, step: int, kept: Mapping[str, Tensor], shares: Mapping[str, float] | None = None
    ) -> None:
        """Keep the share of zeros in every mask, and in all of them."""
        counts = torch.stack([mask.sum() for mask in kept.values()]).tolist()
        zeros = {name: self.sizes[name] - count for name, count in zip(kept, counts, strict=True)}
        share = sum(zeros.values()) / sum(self.sizes.values())
        told = {"sparsity_fraction": share, **(shares or {})}
        self.history.masks.add(step, {name: round(value, DIGITS) for name, value in told.items()})
        each = {name: round(count / self.sizes[name], DIGITS) for name, count in zeros.items()}
        self.history.weights.add(step, each)

    def step_done(self, step: int, figures: Mapping[str, float]) -> None:
        """After optimizer step `step`, counted from 1."""
        if step % self.every == 0 or step == self.session.steps:
            self.history.training.add(step, {**figures, **self.planned(step)})

    def planned(self, step: int) -> dict[str, float]:
        """The sparsity that schedules ask for before step `step`, if a duty follows one."""
        asked = total = 0.0
        for duty in self.session.duties:
            share = duty.planned(step, self.session.steps)
            if share is not None:
                count = sum(self.sizes[name] for name in duty.covers)
                asked, total = asked + share * count, total + count
        return {"planned_sparsity_fraction": round(asked / total, DIGITS)} if total else {}

    def _versions(self) -> list[int]:
        """Counts that torch raises with every write in place."""
        return [mask._version for mask in self.masks.values()]
