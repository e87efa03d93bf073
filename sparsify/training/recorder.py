"""Keeps how a run goes: losses and rate at even distances, zeros and flips of masks at updates."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from sparsify.history import History
from sparsify.program import MASK
from sparsify.training.session import Session

POINTS = 200
"""The most points of one series, up to a last one: enough for any plot, and little to keep."""
DIGITS = 6
"""Decimal places of a share of mask entries."""


class Recorder:
    """Fills the history of a session.

    Masks are compared around every update of a short run, and around `POINTS` updates of a long
    one: from the first that is due, they are copied, and the next update is held against the copy.
    A run that is resumed copies the same masks, for they change at updates only.
    """

    def __init__(self, session: Session) -> None:
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
        if self.before is None and self.masks and (not known or step >= known[-1] + self.every):
            self.before = {name: mask != 0 for name, mask in self.masks.items()}
        self.versions = self._versions()

    def masks_written(self, step: int) -> None:
        """After the duties may have written masks: note what changed, if they did."""
        if self.before is None or self.versions == self._versions():
            return
        after = {name: mask != 0 for name, mask in self.masks.items()}
        pairs = [(after[name], self.before[name]) for name in self.masks]
        flips = torch.stack([(now ^ was).sum() for now, was in pairs]).sum()
        kept = torch.stack([now.sum() for now, _ in pairs]).tolist()
        zeros = {name: self.sizes[name] - count for name, count in zip(after, kept, strict=True)}
        total = sum(self.sizes.values())
        shares = {
            "sparsity_fraction": sum(zeros.values()) / total,
            "mask_churn_fraction": int(flips) / total,
        }
        self.history.masks.add(step, {k: round(v, DIGITS) for k, v in shares.items()})
        each = {name: round(count / self.sizes[name], DIGITS) for name, count in zeros.items()}
        self.history.weights.add(step, each)
        self.before = None

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
