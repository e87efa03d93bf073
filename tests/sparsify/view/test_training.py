"""The screen while training: every figure, its course and its plan, on 80 columns and 24 lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sparsify.history import History
from sparsify.view.training import MOST_LOSSES, TrainingScreen

TERMS = ("task", "distill", "contrast", "soft-prune", "a", "b", "c")


def history() -> History:
    made = History(steps=600)
    for step in range(3, 313, 3):
        losses = {f"{name}_loss": (number + 1) / step for number, name in enumerate(TERMS)}
        figures = {"learning_rate": 5e-4 * (1 - step / 600), "planned_sparsity_fraction": 0.46}
        made.training.add(step, {**losses, **figures})
    for step in range(60, 313, 8):
        made.masks.add(step, {"sparsity_fraction": step / 690, "mask_churn_fraction": 0.2 / step})
    for step, accuracy in ((100, 0.7412), (200, 0.88), (300, 0.8712)):
        made.evaluations.add(step, {"accuracy": accuracy, "f1": accuracy})
    return made


def screen() -> TrainingScreen:
    kept = history()
    figures = {f"{name}_loss": kept.training.values[f"{name}_loss"][-1] or 0.0 for name in TERMS}
    return TrainingScreen(kept, {**figures, "banks": 3.0}, "step 300: the model has collapsed.")


def test_it_tells_all_that_training_is_at(rendered: Callable[..., str]) -> None:
    shown = rendered(screen())
    assert (
        shown
        == """\
warning: step 300: the model has collapsed.
  task loss         0.0032  █▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
  distill loss      0.0064  █▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
  contrast loss     0.0096  █▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
  soft-prune loss   0.0128  █▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
  a loss            0.0160  █▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
  b loss            0.0192  █▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
  zeros              44.6%  ▁▁▂▂▃▃▃▄▄▅▅▆▆▆▇▇██  planned 46.0%
  mask churn         0.06%  █▆▅▅▄▃▃▂▂▂▂▂▂▁▁▁▁▁  of mask entries, step 308
  accuracy          0.8712  ▁██                 step 300; best 0.8800, step 200
  learning rate    0.00024  ██▇▇▆▆▆▅▅▄▄▃▃▃▂▂▁▁"""
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [80, 120, 160])
def test_it_fits(rendered: Callable[..., str], width: int, encoding: str) -> None:
    lines = rendered(screen(), width, encoding).splitlines()
    assert all(len(line) <= width for line in lines)
    # above it stand two bars at most, below it the cursor
    assert len(lines) <= 24 - 3
    assert sum(" loss " in line for line in lines) == MOST_LOSSES


def test_before_the_first_step_there_is_nothing_to_tell(rendered: Callable[..., str]) -> None:
    assert rendered(TrainingScreen(History(steps=10))) == ""
