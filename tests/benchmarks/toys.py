"""A toy task, a tiny budget and a tiny model for the benchmarks that train."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.methods import command, grid
from benchmarks.methods.budgets import BUDGETS, Budget
from benchmarks.methods.tasks import TASKS, Task
from tests.sparsify import tiny

TINY = Budget(
    "tiny",
    "a few steps",
    settings=("train.batch=8", "teacher.fine_tune.batch=8", "train.checkpoint_every=3"),
    of_task={"toy": ("vars.steps=8", "vars.teacher_steps=3", "capture.check=false")},
    movement=(),
    contrast=("extra=16",),
)
TOY = Task("toy", "toy/train.tsv", "toy/validation.tsv", ("sentence",), 16, 20)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one toy task; the command knows it, and a tiny budget and model."""
    random = np.random.default_rng(0)
    (tmp_path / "toy").mkdir()
    for split, count in (("train", 100), ("validation", 16)):
        rows = ["sentence\tlabel"]
        for row in range(count):
            words = random.choice(list("cdefgh"), int(random.integers(2, 9)))
            rows.append(f"{'ab'[row % 2]} {' '.join(words)}\t{row % 2}")
        (tmp_path / "toy" / f"{split}.tsv").write_text("\n".join([*rows, rows[1], ""]))
    tiny.save("bert", tmp_path / "model")
    monkeypatch.setattr(grid, "MODEL", str(tmp_path / "model"))
    monkeypatch.setattr(command, "FOLDER", tmp_path / "results")
    monkeypatch.setattr(command, "write_page", lambda: None)
    monkeypatch.setitem(TASKS, "toy", TOY)
    monkeypatch.setitem(BUDGETS, "tiny", TINY)
    return tmp_path
