"""What every evaluation does, whatever the task: see outputs batch by batch, then judge."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from sparsify.report import Scores

DIVERGED = "The model's outputs are not finite: training has diverged."


class Judge(Protocol):
    """One evaluation on its way.

    It keeps of each batch no more than the metrics need, so that logits over tokens or words are
    never held for a whole data set.
    """

    def see(self, rows: Tensor, logits: Tensor) -> None:
        """Take in one batch.

        Args:
            rows: i64[B], which rows of the data it holds; every row comes once, in any order.
            logits: f32[B, ...] on the CPU, as `sparsify.taps` describes them.
        """

    def scores(self) -> Scores:
        """The metrics, after every row was seen."""

    def collapsed(self) -> str | None:
        """A sentence where the predictions are (nearly) all the same, or not finite."""
