"""Metrics of one label a row: classes, or the numbers of a regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sparsify.metrics.judge import DIVERGED
from sparsify.report import Scores

COLLAPSED = 0.99
"""The share of predictions of one class from which a model counts as collapsed."""

Numbers = NDArray[Any]


def evaluate(
    predictions: Numbers, labels: Sequence[int] | Sequence[float] | Numbers, *, regression: bool
) -> Scores:
    """Score predictions against labels.

    Args:
        predictions: logits [N, C]; for a regression [N] or [N, 1].
        labels: class ids [N], or numbers [N].
        regression: whether labels are numbers.

    Returns:
        accuracy, f1 (of class 1 where there are two classes, else the mean over classes) and
        matthews, the first being the main one; or pearson and spearman, 0 where either side is
        constant.
    """
    from scipy import stats
    from sklearn import metrics

    truth = np.asarray(labels)
    if regression:
        found = predictions.reshape(-1).astype(np.float64)
        values = {
            "pearson": _correlation(stats.pearsonr, found, truth),
            "spearman": _correlation(stats.spearmanr, found, truth),
        }
        return Scores(main="pearson", values=values)
    chosen = predictions.argmax(axis=-1)
    average = "binary" if predictions.shape[-1] == 2 else "macro"
    values = {
        "accuracy": float(metrics.accuracy_score(truth, chosen)),
        "f1": float(metrics.f1_score(truth, chosen, average=average, zero_division=0)),
        "matthews": float(metrics.matthews_corrcoef(truth, chosen)),
    }
    return Scores(main="accuracy", values=values)


def collapsed(
    predictions: Numbers,
    labels: Sequence[int] | Sequence[float] | Numbers,
    *,
    regression: bool = False,
    names: Sequence[str] = (),
) -> str | None:
    """A sentence where predictions are (nearly) all the same, or not finite, while labels differ.

    Takes the arguments of `evaluate`; `names` are the classes by id.
    """
    truth = np.asarray(labels)
    if not np.isfinite(predictions).all():
        return DIVERGED
    if regression:
        spread, wanted = float(predictions.std()), float(truth.std())
        if spread >= (1 - COLLAPSED) * wanted:
            return None
        return f"The predictions are nearly constant (spread {spread:.2g}, labels {wanted:.2g})."
    return one_class(predictions.argmax(axis=-1), truth, names)


def one_class(
    chosen: Numbers, truth: Numbers, names: Sequence[str] = (), *, rows: str = "rows"
) -> str | None:
    """A sentence where (nearly) all of `chosen` is one class, and of `truth` much less."""
    classes, counts = np.unique(chosen, return_counts=True)
    top = int(classes[counts.argmax()])
    share = float(counts.max() / len(chosen))
    if share < COLLAPSED or float((truth == top).mean()) >= COLLAPSED:
        return None
    name = names[top] if names else str(top)
    return (
        f"{share:.0%} of the predictions are class {name},"
        f" which {(truth == top).mean():.0%} of the {rows} have: the model has collapsed."
    )


class ByLabel:
    """Judges logits f32[B, C], or f32[B, 1] of a regression, by one label a row."""

    def __init__(self, labels: Tensor) -> None:
        self.regression = labels.is_floating_point()
        self.labels = labels.numpy()
        self.logits: Numbers = np.empty(0)

    def see(self, rows: Tensor, logits: Tensor) -> None:
        if not len(self.logits):
            self.logits = np.empty((len(self.labels), *logits.shape[1:]), np.float32)
        self.logits[rows.numpy()] = logits.numpy()

    def scores(self) -> Scores:
        return evaluate(self.logits, self.labels, regression=self.regression)

    def collapsed(self) -> str | None:
        return collapsed(self.logits, self.labels, regression=self.regression)


def _correlation(measure: Any, found: Numbers, truth: Numbers) -> float:
    if len(found) < 2 or not np.isfinite(found).all() or np.ptp(found) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(measure(found, truth).statistic)
