from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sparsify.history import History
from sparsify.report import Point
from sparsify.view.history import charts, history_view, stairs


def history() -> History:
    made = History(steps=100)
    for step in range(2, 101, 2):
        losses = {"task_loss": 1 / step, "distill_loss": 50 / step}
        made.training.add(step, {**losses, "planned_sparsity_fraction": step / 200})
    for step in range(8, 101, 8):
        made.masks.add(step, {"sparsity_fraction": step / 200, "mask_churn_fraction": 1 / step})
        made.weights.add(step, {"a.weight": step / 200})
    for step in (50, 100):
        made.evaluations.add(step, {"accuracy": step / 100, "f1": 0.0})
    return made


def test_every_line_is_a_series_of_the_history() -> None:
    kept = history()
    losses, zeros, metric, churn = charts(kept)
    for line, series, name in (
        (losses.lines[0], kept.training, "task_loss"),
        (losses.lines[1], kept.training, "distill_loss"),
        (zeros.lines[1], kept.training, "planned_sparsity_fraction"),
        (metric.lines[0], kept.evaluations, "accuracy"),
        (churn.lines[0], kept.masks, "mask_churn_fraction"),
    ):
        np.testing.assert_array_equal(line.points(), (series.step, series.values[name]))
    steps, values = zeros.lines[0].points()
    for step in range(8, 101):
        # what was reached at the last update stays until the next
        assert values[np.flatnonzero(steps <= step)[-1]] == (step // 8 * 8) / 200
    assert steps[-1] == 100
    assert losses.log, "one loss is 50 times the other"
    assert not metric.log


def test_an_older_run_shows_what_its_report_tells(rendered: Callable[..., str]) -> None:
    points = [
        Point(step=10, values={"accuracy": 0.8, "task_loss": 0.5}),
        Point(step=20, values={"accuracy": 0.7, "task_loss": 0.4, "sparsity_fraction": 0.9}),
    ]
    shown = rendered(history_view(History.of_points(points)))
    for words in ("task 0.4", "zeros 90.0%", "accuracy 0.7", "20 steps"):
        assert words in shown
    assert "churn" not in shown
    assert "planned" not in shown


def test_stairs_go_on_from_update_to_update() -> None:
    steps, values = stairs((np.array([0.0, 4.0, 6.0]), np.array([0.0, 0.5, 0.9])), 8.0)
    np.testing.assert_array_equal(steps, [0, 4, 4, 6, 6, 8])
    np.testing.assert_array_equal(values, [0, 0, 0.5, 0.5, 0.9, 0.9])


def test_a_run_without_training_has_no_charts(rendered: Callable[..., str]) -> None:
    assert rendered(history_view(History())) == ""


def test_a_wide_terminal_holds_two_beside_one_another(rendered: Callable[..., str]) -> None:
    for width, count in ((80, 4), (120, 2)):
        shown = rendered(history_view(history()), width)
        assert sum("steps" in line for line in shown.splitlines()) == count
        assert all(len(line) <= width for line in shown.splitlines())


def test_an_ascii_terminal_gets_ascii(rendered: Callable[..., str]) -> None:
    assert rendered(history_view(history()), encoding="ascii").isascii()
