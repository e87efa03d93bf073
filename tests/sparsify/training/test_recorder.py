"""What a run keeps of its course equals what numpy makes of its masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from passes.insert_masks import InsertMasks
from passes.soft_prune import SoftPrune
from sparsify.training.recorder import POINTS, Recorder
from sparsify.training.session import Session
from tests.sparsify.training.runs import Looks, prune, run, session


class Copies(Looks):
    """Copies every mask after every step."""

    session: Session | None = None

    def advance(self, task: str, done: int, facts: Mapping[str, float]) -> None:
        if task == "train" and self.session is not None:
            masks = self.session.student.masks()
            self.seen[done] = {n: mask.detach().numpy().copy() for n, mask in masks.items()}

    def begin(self, task: str, total: int, done: int = 0) -> None:
        if task == "train":
            self.seen: dict[int, dict[str, np.ndarray]] = {}


def test_zeros_and_flips_are_those_of_the_masks(tmp_path: Path) -> None:
    looks = Copies()
    found = looks.session = session(tmp_path, InsertMasks(), prune(), watch=looks)
    run(found)
    history = found.history
    steps = history.masks.step
    assert steps == [0, *range(5, 24, 3), 24]
    assert history.masks.values["sparsity_fraction"][0] == 0.0
    assert history.masks.values["mask_churn_fraction"][0] is None
    for number, step in enumerate(steps[1:-1], start=1):
        # a mask that is written before step 5 of 24, counted from 0, is first seen after it
        before, after = looks.seen[step], looks.seen[step + 1]
        total = sum(mask.size for mask in after.values())
        zeros = sum(int((mask == 0).sum()) for mask in after.values())
        flips = sum(int((after[n] != before[n]).sum()) for n in after)
        told = {name: values[number] for name, values in history.masks.values.items()}
        assert told["sparsity_fraction"] == pytest.approx(zeros / total, abs=1e-6)
        assert told["mask_churn_fraction"] == pytest.approx(flips / total, abs=1e-6)
        for name, mask in after.items():
            expected = pytest.approx(np.mean(mask == 0), abs=1e-6)
            assert history.weights.values[name][number] == expected
    assert history.weights.step == steps
    assert history.masks.last("sparsity_fraction") == pytest.approx(0.8, abs=1e-3)


def test_losses_rate_and_schedule_are_kept_at_every_step_of_a_short_run(tmp_path: Path) -> None:
    found = session(tmp_path, InsertMasks(), prune(), steps=6)
    run(found, evaluate_every=3)
    assert found.history.training.step == [1, 2, 3, 4, 5, 6]
    assert found.history.training.values.keys() == {
        "task_loss", "learning_rate", "planned_sparsity_fraction",
    }  # fmt: skip
    assert found.history.training.last("planned_sparsity_fraction") == 0.8
    assert found.history.training.last("learning_rate") == 0.0
    assert found.history.evaluations.step == [3, 6]
    assert found.history.evaluations.values.keys() == {"accuracy", "f1", "matthews"}


def test_a_long_run_keeps_no_more_than_a_plot_can_show(tmp_path: Path) -> None:
    steps = POINTS * 10 + 3
    found = session(tmp_path, InsertMasks(), prune(every=1, warmup=0.0), steps=steps)
    recorder = Recorder(found)
    mask = next(iter(found.student.masks().values()))
    for step in range(steps + 1):
        recorder.before_step(step)
        with torch.no_grad():
            mask.view(-1)[step % 7] = step % 2
        recorder.masks_written(step)
        if step < steps:
            recorder.step_done(step + 1, {"task_loss": 1 / (step + 1)})
    assert found.history.training.step == [*range(11, steps, 11), steps]
    assert found.history.masks.step == [*range(0, steps, 11), steps]
    assert len(found.history.masks.step) <= POINTS


def test_where_nothing_is_pruned_no_masks_are_kept(tmp_path: Path) -> None:
    found = session(tmp_path, steps=2)
    run(found)
    assert found.history.masks.step == []
    assert found.history.training.values.keys() == {"task_loss", "learning_rate"}


def test_a_threshold_has_no_planned_sparsity(tmp_path: Path) -> None:
    found = session(tmp_path, InsertMasks(), SoftPrune(warmup=0.0, regularization=1.0), steps=4)
    recorder = Recorder(found)
    assert recorder.planned(4) == {}
    assert list(recorder.masks) == list(found.student.masks())
