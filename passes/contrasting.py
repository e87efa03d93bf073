"""What `contrast` owes training: the contrastive terms, and the banks that they read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from passes.banks import Bank
from passes.info_nce import info_nce
from sparsify.errors import Problem
from sparsify.plan import Duty, Moment, Run
from sparsify.program import Program
from sparsify.tasks import Labels

if TYPE_CHECKING:
    from passes.contrast import Contrast


UNCLASSED: dict[Labels, str] = {
    "number": "the labels are numbers",
    "span": "the labels are answers in a text",
    "token": "every token has a label of its own",
}
"""Kinds of labels that say of no two rows that they are alike."""


class Contrasting(Duty):
    """The contrastive terms, and the banks that they read."""

    name = "contrast"

    def __init__(self, settings: Contrast) -> None:
        self.settings = settings
        self.taps = (settings.representation,)
        self.teacher_taps = self.taps if settings.finetuned else ()
        self.banks: dict[str, list[Bank]] = {"pretrained": [], "snapshots": [], "finetuned": []}
        self.bank_seconds = 0.0
        self.labels = torch.empty(0)

    def promises(self) -> list[str]:
        on = self.settings
        sources = {"PrC": on.pretrained, f"SnC ({on.snapshots})": on.snapshots, "FiC": on.finetuned}
        return [f"{', '.join(n for n, is_on in sources.items() if is_on)} of `{on.representation}`"]

    def accept(self, labels: Labels) -> None:
        if labels != "class" and self.settings.supervised:
            raise Problem(
                f"{UNCLASSED[labels]}, and `supervised` compares classes",
                hint="set `supervised: 0`",
            )

    def begin(self, run: Run) -> None:
        self.labels = run.labels
        rows = _distinct(run.batches)
        if self.settings.pretrained:
            # a student that has been trained on is no pre-trained model any more
            student = None if run.start else run.student
            self.banks["pretrained"] = [self._bank(run, "pretrained", student, rows)]
        if self.settings.finetuned:
            assert run.teacher is not None
            self.banks["finetuned"] = [self._bank(run, "finetuned", run.teacher, rows)]

    def before_step(self, run: Run, step: int) -> None:
        if step in self._snapshot_steps(run):
            self._take(run, step, run.student)

    def restore(self, run: Run, state: Mapping[str, Tensor], step: int) -> None:
        for taken in self._snapshot_steps(run):
            if taken < step:
                self._take(run, taken, None)

    def _snapshot_steps(self, run: Run) -> list[int]:
        parts = self.settings.snapshots + 1
        steps = {round(i * run.steps / parts) for i in range(1, parts)}
        # after the last step there is no row left to encode
        return sorted(step for step in steps if 0 < step < run.steps)

    def _take(self, run: Run, step: int, student: Program | None) -> None:
        """The bank of the snapshot at `step`: the rows that the rest of the run will see."""
        rows = _distinct(run.batches[step:])
        limit = self.settings.snapshot_rows
        if limit is not None and len(rows) > limit:
            rows = rows[torch.linspace(0, len(rows) - 1, limit).long()]
        self.banks["snapshots"].append(self._bank(run, f"snapshot-{step}", student, rows))

    def _bank(self, run: Run, name: str, program: Program | None, rows: Tensor) -> Bank:
        started = time.perf_counter()
        tap_name = self.settings.representation

        def encode() -> Tensor:
            assert program is not None
            return run.encode(program, rows, (tap_name,))[tap_name]

        path = run.folder / "banks" / f"{name}.npy"
        bank = Bank.kept(path, rows, len(run.labels), encode if program is not None else None)
        self.bank_seconds += time.perf_counter() - started
        return bank

    def loss(self, moment: Moment) -> Tensor | None:
        pooled = moment.student[self.settings.representation]
        with torch.autocast(pooled.device.type, enabled=False):
            anchors = F.normalize(pooled.float(), dim=-1)
            terms = [
                self._term(anchors, moment, banks, source)
                for source, banks in enumerate(self.banks.values())
                if banks
            ]
        return torch.stack(terms).sum() if terms else None

    def _term(self, anchors: Tensor, moment: Moment, banks: list[Bank], source: int) -> Tensor:
        rows = moment.rows.cpu()
        candidates, owners = self.candidates(rows, banks, moment.step * len(self.banks) + source)
        device = anchors.device
        candidates = torch.cat([anchors.detach(), candidates.to(device)])
        owners = torch.cat([rows, owners])
        itself = torch.zeros(len(rows), len(owners), dtype=torch.bool)
        itself[:, : len(rows)].fill_diagonal_(True)
        options = {
            "temperature": self.settings.temperature,
            "normalizer": self.settings.normalizer,
            "excluded": itself.to(device),
        }
        total = anchors.new_zeros(())
        if self.settings.unsupervised:
            same = (rows[:, None] == owners[None, :]) & ~itself
            loss = info_nce(anchors, candidates, same.to(device), **options)  # type: ignore[arg-type]
            total = total + self.settings.unsupervised * loss
        if self.settings.supervised:
            alike = (self.labels[rows][:, None] == self.labels[owners][None, :]) & ~itself
            loss = info_nce(anchors, candidates, alike.to(device), **options)  # type: ignore[arg-type]
            total = total + self.settings.supervised * loss
        return total

    def candidates(self, rows: Tensor, banks: list[Bank], draw: int) -> tuple[Tensor, Tensor]:
        """The bank vectors of the batch and of random other rows, and the rows they belong to."""
        # a generator of its own for every draw: resuming needs no state
        generator = torch.Generator().manual_seed(draw)
        # the last bank holds the rows that are still to come; `find` leaves out what others lack
        known = (banks[-1].position >= 0).nonzero().squeeze(1)
        drawn = torch.randperm(len(known), generator=generator)[: self.settings.extra // len(banks)]
        found = [bank.find(torch.cat([rows, known[drawn]])) for bank in banks]
        return torch.cat([vectors for vectors, _ in found]), torch.cat([own for _, own in found])

    def facts(self) -> dict[str, float]:
        sizes = [bank.size_bytes for banks in self.banks.values() for bank in banks]
        return {
            "banks": float(len(sizes)),
            "bank_megabytes": sum(sizes) / 1e6,
            "bank_seconds": self.bank_seconds,
        }


def _distinct(batches: Sequence[Tensor]) -> Tensor:
    """i64: the rows that any of `batches` holds, ascending."""
    return torch.unique(torch.cat(list(batches)))  # type: ignore[no-any-return]
