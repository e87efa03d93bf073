"""How long runs may take: `quick` on a processor, `full` on a GPU; for all alike."""

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


BOUNDED = (
    "train.batch=32",
    "train.learning_rate=4e-4",
    "train.precision=bf16",
    "train.dropout=0",
    "train.evaluate_every=200",
    "train.checkpoint_every=200",
    "teacher.fine_tune.batch=32",
    "teacher.fine_tune.learning_rate=1e-4",
    "teacher.fine_tune.precision=bf16",
)
# the rate of the paper's programs; the recipes' own is for three times the steps
FASTER = ("scores.learning_rate=1e-2",)
FEWER = ("snapshot_rows=4096",)

BUDGETS = {
    budget.name: budget
    for budget in (
        Budget(
            "quick",
            "bounded rows and steps, bf16 autocast, no dropout in the student",
            settings=BOUNDED,
            of_task={
                "sst2": ("data.train_rows=32000", "vars.steps=2400", "vars.teacher_steps=1500"),
                "mrpc": ("vars.steps=1200", "vars.teacher_steps=300"),
                "qnli": ("data.train_rows=19200", "vars.steps=1800", "vars.teacher_steps=600"),
                "squad": (
                    "data.train_rows=9600",
                    "data.validation_rows=2000",
                    "data.max_length=192",
                    "data.stride=64",
                    "vars.steps=1200",
                    "vars.teacher_steps=600",
                ),
            },
            movement=FASTER,
            contrast=FEWER,
        ),
        Budget(
            "full",
            "ten epochs of all rows at the rates of the paper's programs, bf16 autocast",
            settings=(
                "data.calibration_rows=1024",
                "train.batch=32",
                "train.steps=null",
                "train.epochs=10",
                "train.learning_rate=3e-5",
                "train.precision=bf16",
                "train.dropout=null",
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
