"""How long a run may take: `quick` for a processor, `full` for a GPU; the same for all methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """What is set in the recipe of every method."""

    name: str
    says: str
    settings: tuple[str, ...]
    of_task: Mapping[str, tuple[str, ...]]
    movement: tuple[str, ...]
    """For masks by learned scores."""
    contrast: tuple[str, ...]
    """For contrastive terms."""


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget(
            "quick",
            "bounded rows and steps, bf16 autocast; about ten minutes of one core a run",
            settings=(
                "train.batch=32",
                "train.learning_rate=4e-4",
                "train.precision=bf16",
                "train.evaluate_every=250",
                "train.checkpoint_every=250",
                "teacher.fine_tune.batch=32",
                "teacher.fine_tune.learning_rate=1e-4",
                "teacher.fine_tune.precision=bf16",
            ),
            of_task={
                "sst2": ("data.train_rows=32000", "vars.steps=1000", "vars.teacher_steps=1500"),
                "mrpc": ("vars.steps=600", "vars.teacher_steps=300"),
                "qnli": ("data.train_rows=19200", "vars.steps=600", "vars.teacher_steps=600"),
            },
            # as many steps of Adam as ten times the steps would have at the published rate
            movement=("scores.learning_rate=1e-2",),
            contrast=("snapshot_rows=4096",),
        ),
        Budget(
            "full",
            "ten epochs of all rows at the rates of the paper's programs, bf16 autocast",
            settings=(
                "train.batch=32",
                "train.steps=null",
                "train.epochs=10",
                "train.learning_rate=3e-5",
                "train.precision=bf16",
                "teacher.fine_tune.batch=32",
                "teacher.fine_tune.steps=null",
                "teacher.fine_tune.epochs=3",
                "teacher.fine_tune.learning_rate=3e-5",
                "teacher.fine_tune.precision=bf16",
            ),
            of_task={},
            movement=(
                "scores.start=zero",
                "scores.learning_rate=1e-2",
                "warmup=0.19",
                "cooldown=0.29",
                "every=1",
            ),
            contrast=("snapshots=9",),
        ),
    )
}
