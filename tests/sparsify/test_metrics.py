"""Metrics agree with figures worked out by hand, and a collapse is said in a sentence."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sparsify.metrics import collapsed, evaluate


def logits(classes: list[int], count: int) -> np.ndarray:
    return np.eye(count)[classes] * 3.0


def test_two_classes_are_scored_for_the_positive_one() -> None:
    scores = evaluate(logits([1, 1, 0, 0], 2), [1, 0, 0, 0], regression=False)
    assert scores.main == "accuracy"
    expected = {"accuracy": 0.75, "f1": 2 / 3, "matthews": 1 / 3**0.5}
    assert scores.values == pytest.approx(expected)


def test_more_classes_are_scored_by_the_mean_over_classes() -> None:
    scores = evaluate(logits([0, 1, 1, 2], 3), [0, 1, 2, 2], regression=False)
    assert scores.values["f1"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


def test_a_regression_is_scored_by_correlations() -> None:
    scores = evaluate(np.array([[1.0], [2.0], [9.0]]), [0.1, 0.2, 0.3], regression=True)
    assert scores.main == "pearson"
    assert scores.values["spearman"] == pytest.approx(1.0)
    assert scores.values["pearson"] == pytest.approx(np.corrcoef([1, 2, 9], [1, 2, 3])[0, 1])


@pytest.mark.parametrize("predictions", [[2.0, 2.0, 2.0], [1.0, float("nan"), 2.0]])
def test_predictions_without_a_correlation_score_zero_without_a_warning(
    predictions: list[float],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = evaluate(np.array(predictions), [0.1, 0.2, 0.3], regression=True)
    assert scores.values == {"pearson": 0.0, "spearman": 0.0}


def test_one_class_alone_is_called_a_collapse() -> None:
    sentence = collapsed(logits([1] * 200, 2), [0, 1] * 100, names=("bad", "good"))
    assert sentence == (
        "100% of the predictions are class good, which 50% of the rows have:"
        " the model has collapsed."
    )


@pytest.mark.parametrize(
    ("classes", "labels"),
    [([1] * 198 + [0] * 2 + [0] * 10, [0, 1] * 105), ([1] * 100, [1] * 100)],
    ids=["some of the other class", "labels of one class"],
)
def test_what_is_no_collapse_is_not_called_one(classes: list[int], labels: list[int]) -> None:
    assert collapsed(logits(classes, 2), labels) is None


def test_a_constant_regression_is_called_out() -> None:
    assert collapsed(np.full(10, 0.5), np.arange(10.0), regression=True) == (
        "The predictions are nearly constant (spread 0, labels 2.9)."
    )
    assert collapsed(np.arange(10.0), np.arange(10.0), regression=True) is None


def test_outputs_that_are_not_finite_are_called_out() -> None:
    found = collapsed(np.array([[float("nan"), 0.0]]), [0])
    assert found == "The model's outputs are not finite: training has diverged."
