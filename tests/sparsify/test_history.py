from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sparsify.errors import Problem
from sparsify.history import HISTORY, History, Series, weight_history
from sparsify.report import Point

ROOT = Path(__file__).parents[2]


def test_a_figure_has_a_course_where_it_was_known() -> None:
    series = Series()
    series.add(1, {"task_loss": 0.5})
    series.add(2, {"task_loss": 0.25, "prune_loss": 0.1})
    series.add(4, {"prune_loss": 0.2})
    assert series.values == {"task_loss": [0.5, 0.25, None], "prune_loss": [None, 0.1, 0.2]}
    for name, steps, values in (
        ("task_loss", [1, 2], [0.5, 0.25]),
        ("prune_loss", [2, 4], [0.1, 0.2]),
        ("accuracy", [], []),
    ):
        found = series.curve(name)
        np.testing.assert_array_equal(found, (steps, values))
    assert (series.last("task_loss"), series.last("accuracy")) == (0.25, None)


def test_it_comes_back_equal_and_a_weight_has_its_own(tmp_path: Path) -> None:
    history = History(steps=8)
    history.weights.add(3, {"a.weight": 0.25, "b.weight": 0.0})
    history.weights.add(6, {"a.weight": 0.5, "b.weight": 0.125})
    history.save(tmp_path / HISTORY)
    assert History.load(tmp_path) == history
    assert [path.name for path in tmp_path.iterdir()] == [HISTORY]
    np.testing.assert_array_equal(weight_history(tmp_path, "a.weight"), ([3, 6], [0.25, 0.5]))
    np.testing.assert_array_equal(weight_history(tmp_path, "c.weight"), ([], []))


def test_two_histories_share_no_series() -> None:
    History().training.add(1, {"task_loss": 0.5})
    assert History() == History(training=Series(step=[], values={}))


def test_a_folder_of_an_older_run_has_an_empty_one(tmp_path: Path) -> None:
    assert History.load(tmp_path) == History()


def test_the_points_of_an_older_report_are_a_history() -> None:
    values = {"accuracy": 0.75, "task_loss": 0.5, "sparsity_fraction": 0.25, "banks": 2.0}
    found = History.of_points(
        [Point(step=4, values={"accuracy": 0.5}), Point(step=8, values=values)]
    )
    assert found.steps == 8
    assert found.evaluations == Series(step=[4, 8], values={"accuracy": [0.5, 0.75]})
    assert found.training == Series(step=[8], values={"task_loss": [0.5]})
    assert found.masks == Series(step=[8], values={"sparsity_fraction": [0.25]})
    assert found.weights == Series()
    assert History.of_points([]) == History()


def test_the_documented_schema_is_the_one_in_force() -> None:
    documented = json.loads((ROOT / "docs/history.schema.json").read_text())
    assert documented == History.model_json_schema(), "run: sparsify schema history"


def test_what_is_no_history_is_said(tmp_path: Path) -> None:
    path = tmp_path / HISTORY
    path.write_text('{"steps": "many"}')
    with pytest.raises(Problem) as caught:
        weight_history(tmp_path, "a.weight")
    assert str(caught.value) == (
        f"{path}: no history of a run (steps: Input should be a valid integer, "
        "unable to parse string as an integer)"
    )
