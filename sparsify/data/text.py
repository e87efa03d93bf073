"""What a data set is: rows of one or two texts, each with a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Split:
    """Rows that belong together; `texts` and `labels` have the same length."""

    texts: list[tuple[str, ...]]
    """One or two texts a row."""
    labels: list[int] | list[float]
    """Class ids counted from 0, or the numbers of a regression."""

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, chosen: Sequence[int]) -> Split:
        """Some rows, in the order of `chosen`."""
        texts = [self.texts[row] for row in chosen]
        if isinstance(self.labels[0], int):
            return Split(texts, [int(self.labels[row]) for row in chosen])
        return Split(texts, [float(self.labels[row]) for row in chosen])

    def sample(self, count: int, *, seed: int) -> Split:
        """`count` rows drawn without replacement, in their old order; all when there are fewer."""
        if count >= len(self):
            return self
        drawn = np.random.default_rng(seed).permutation(len(self))[:count]
        return self.rows(sorted(drawn.tolist()))


@dataclass(frozen=True)
class Dataset:
    """The rows to learn from and the rows to be measured on."""

    train: Split
    validation: Split
    label_names: tuple[str, ...]
    """The classes in the order of their ids; empty for a regression."""
    columns: tuple[str, ...]
    """What the texts of a row were called."""
    notes: list[str] = field(default_factory=list)
    """Sentences on what was inferred, drawn or held out."""

    @property
    def regression(self) -> bool:
        return not self.label_names
