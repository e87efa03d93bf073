"""Short training runs on the smallest BERT, without dropout's help or a hub's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from passes.contrast import Contrast
from passes.distill import Distill
from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.data import Encoded, batches_by_length
from sparsify.pipeline import Pass, apply
from sparsify.program import Program
from sparsify.recipe import Optimization
from sparsify.report import Point
from sparsify.run.folder import seed_everything
from sparsify.training import Session, train
from sparsify.watch import Watch
from tests.sparsify.programs import captured, model, program, rows

STEPS = 24
OPTIMIZATION = Optimization(batch=4, learning_rate=1e-3)


class Stop(BaseException):
    """What Ctrl-C would raise."""


@dataclass
class Looks(Watch):
    """Notes what it is told, and interrupts after `stop` steps."""

    stop: int | None = None
    warnings: list[str] = field(default_factory=list)
    facts: list[Mapping[str, float]] = field(default_factory=list)
    evaluations: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    begun: list[tuple[str, int]] = field(default_factory=list)

    def begin(self, task: str, total: int, done: int = 0) -> None:
        self.begun.append((task, total))

    def advance(self, task: str, done: int, facts: Mapping[str, float]) -> None:
        if task == "train":
            self.facts.append(dict(facts))
            if self.stop is not None and done >= self.stop:
                raise Stop

    def evaluated(self, step: int, values: Mapping[str, float]) -> None:
        self.evaluations.append((step, dict(values)))

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)


def prune(**options: Any) -> Prune:
    return Prune.model_validate(
        {"criterion": "movement", "sparsity": 0.8, "schedule": "cubic", "every": 3, **options}
    )


CAP: tuple[Pass, ...] = (
    InsertMasks(),
    prune(),
    Distill(),
    Contrast(extra=8, supervised=1.0, snapshots=3),
)


def session(
    folder: Path,
    *passes: Pass,
    watch: Watch | None = None,
    data: Encoded | None = None,
    steps: int = STEPS,
) -> Session:
    """A session whose student went through `passes`; the same on every call."""
    seed_everything(1)
    data = data or rows(40)
    regression = data.labels.is_floating_point()
    student = captured(model("bert", num_labels=1)) if regression else program("bert")
    teacher = student.clone()
    with torch.no_grad():
        teacher.tensor("classifier.bias").add_(0.5)
    apply(passes, student)
    return Session(
        student=student,
        teacher=teacher,
        data=data,
        validation=rows(20, 1, regression=regression),
        batches=batches_by_length(data.lengths, 4, steps, 1),
        folder=folder,
        watch=watch or Looks(),
    )


def run(
    found: Session, settings: Optimization = OPTIMIZATION, *, resume: bool = False, **options: Any
) -> list[Point]:
    options = {"evaluate_every": 12, "checkpoint_every": 5, **options}
    return train(found, settings, resume=resume, seed=1, **options)


def tensors(found: Program) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in found.module.state_dict().items()}
