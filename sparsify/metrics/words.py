"""Perplexity: how surprised a language model is by the words of a text."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from sparsify.metrics.judge import DIVERGED
from sparsify.report import Scores
from sparsify.task_loss import NO_LABEL

LARGEST = 100.0
"""A mean loss above it, or none at all, counts as this: its perplexity is a number still."""


@dataclass
class ByWord:
    """Judges logits f32[B, S, words] by the token that stands there, or comes next."""

    targets: Callable[[Tensor], Tensor]
    """Rows -> i64[B, S], -100 where nothing is asked."""
    loss: float = field(init=False, default=0.0)
    """The sum of the cross-entropies seen, in nats."""
    right: int = field(init=False, default=0)
    count: int = field(init=False, default=0)

    def see(self, rows: Tensor, logits: Tensor) -> None:
        wanted = self.targets(rows)
        asked = wanted != NO_LABEL
        chosen = logits[asked]
        self.loss += float(F.cross_entropy(chosen, wanted[asked], reduction="sum"))
        self.right += int((chosen.argmax(-1) == wanted[asked]).sum())
        self.count += int(asked.sum())

    def scores(self) -> Scores:
        """Exp of the mean cross-entropy of a token, and the share of tokens that come first."""
        mean = self.loss / self.count
        mean = mean if mean < LARGEST else LARGEST
        values = {"perplexity": math.exp(mean), "accuracy": self.right / self.count}
        return Scores(main="perplexity", values=values)

    def collapsed(self) -> str | None:
        return None if math.isfinite(self.loss) else DIVERGED
