"""One training run from its first step to its last, or on from its last checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import TrainingArguments

from sparsify.analysis.roles import roles, select
from sparsify.dropout import dropping
from sparsify.models.source import quiet
from sparsify.recipe import Optimization
from sparsify.report import Point
from sparsify.training import checkpoint
from sparsify.training.session import Session
from sparsify.training.trainer import SparseTrainer


def train(
    session: Session,
    settings: Optimization,
    *,
    task_weight: float = 1.0,
    evaluate_every: int | None = None,
    checkpoint_every: int | None = None,
    report_to: Sequence[str] = (),
    log_every: int | None = None,
    resume: bool = False,
    seed: int,
) -> list[Point]:
    """Train the session's student, in place, through every step; what was seen at evaluations.

    Interrupted and started again with `resume`, it ends with the same weights, bit for bit, on the
    same machine with the same number of threads. `session.history` then holds the run's curves.

    Raises:
        Problem: the loss is no number any more, or a checkpoint is damaged.
    """
    frozen = _freeze(session, settings.freeze)
    for duty in session.duties:
        duty.prepare(session.student, session.teacher)
    trainer = SparseTrainer(
        session,
        task_weight,
        evaluate_every or tenth(session.steps),
        arguments(settings, _where(session), seed, checkpoint_every, report_to, log_every),
        settings,
    )
    start = checkpoint.latest(session.folder) if resume else None
    if start is not None:
        checkpoint.require(start)
    with quiet(), dropping(session.student.module, settings.dropout):
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    trainer.do_duties(session.steps)
    for parameter in frozen:
        parameter.requires_grad_()
    return trainer.history


def _freeze(session: Session, targets: list[str]) -> list[torch.nn.Parameter]:
    if not targets:
        return []
    names = select(roles(session.student), targets, where="freeze")
    found = [
        p for name in names if isinstance(p := session.student.tensor(name), torch.nn.Parameter)
    ]
    for parameter in found:
        parameter.requires_grad_(False)
    return found


@dataclass(frozen=True)
class Where:
    """A run of so many steps, the folder of its checkpoints, and what computes it."""

    folder: Path
    steps: int
    device: torch.device
    precision: str


def _where(session: Session) -> Where:
    device = next(session.student.module.parameters()).device
    return Where(session.folder, session.steps, device, session.precision)


def arguments(
    settings: Optimization,
    run: Where,
    seed: int,
    checkpoint_every: int | None,
    report_to: Sequence[str] = (),
    log_every: int | None = None,
) -> TrainingArguments:
    """What a Trainer is told of a run; checkpoints left out are a tenth of it apart."""
    return TrainingArguments(
        output_dir=str(run.folder),
        max_steps=run.steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        bf16=run.precision == "bf16",
        save_strategy="steps",
        save_steps=checkpoint_every or tenth(run.steps),
        # the newest may be cut off while it is written
        save_total_limit=2,
        logging_strategy="steps" if report_to else "no",
        logging_steps=log_every or max(1, run.steps // 100),
        eval_strategy="no",
        report_to=list(report_to) or "none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=run.device.type != "cpu",
        use_cpu=run.device.type == "cpu",
        seed=seed,
    )


def tenth(steps: int) -> int:
    """How far apart evaluations and checkpoints are where nobody says it."""
    return max(1, math.ceil(steps / 10))
