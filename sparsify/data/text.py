"""What a data set is: rows that belong together, of the form that their task wants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from sparsify.tasks import LABELS, Labels, Task


class Rows(ABC):
    """Rows that belong together, of any task."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def rows(self, chosen: Sequence[int]) -> Self:
        """Some rows, in the order of `chosen`."""

    def sample(self, count: int, *, seed: int) -> Self:
        """`count` rows drawn without replacement, in their old order; all when there are fewer."""
        if count >= len(self):
            return self
        drawn = np.random.default_rng(seed).permutation(len(self))[:count]
        return self.rows(sorted(drawn.tolist()))


@dataclass(frozen=True)
class Split(Rows):
    """Labelled texts; `texts` and `labels` have the same length."""

    texts: list[tuple[str, ...]]
    """One or two texts a row."""
    labels: list[int] | list[float]
    """Class ids counted from 0, or the numbers of a regression."""

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, chosen: Sequence[int]) -> Split:
        texts = [self.texts[row] for row in chosen]
        if isinstance(self.labels[0], int):
            return Split(texts, [int(self.labels[row]) for row in chosen])
        return Split(texts, [float(self.labels[row]) for row in chosen])


@dataclass(frozen=True)
class Question:
    """A question on a context, and its answers there."""

    context: str
    question: str
    answers: tuple[str, ...]
    """All that count as right, each as it stands in the context; the first one is learned."""
    start: int
    """At which character of the context the first answer begins."""


@dataclass(frozen=True)
class Questions(Rows):
    """Questions, each with its own context."""

    questions: list[Question]

    def __len__(self) -> int:
        return len(self.questions)

    def rows(self, chosen: Sequence[int]) -> Questions:
        return Questions([self.questions[row] for row in chosen])


@dataclass(frozen=True)
class Sentences(Rows):
    """Sentences as words, each with its tag."""

    words: list[tuple[str, ...]]
    tags: list[list[int]]
    """Ids of tags, one for each word."""

    def __len__(self) -> int:
        return len(self.words)

    def rows(self, chosen: Sequence[int]) -> Sentences:
        return Sentences([self.words[row] for row in chosen], [self.tags[row] for row in chosen])


@dataclass(frozen=True)
class Documents(Rows):
    """Running text."""

    texts: list[str]
    apart: bool
    """Whether each text is a document, and not the next part of the one before."""

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, chosen: Sequence[int]) -> Documents:
        return Documents([self.texts[row] for row in chosen], self.apart)


@dataclass(frozen=True)
class Dataset:
    """The rows to learn from and the rows to be measured on."""

    train: Rows
    validation: Rows
    label_names: tuple[str, ...]
    """The classes or tags in the order of their ids; empty where there are none."""
    columns: tuple[str, ...]
    """What the texts of a row were called."""
    notes: list[str] = field(default_factory=list)
    """Sentences on what was inferred, drawn or held out."""
    task: Task = "text-classification"

    @property
    def regression(self) -> bool:
        return self.labels == "number"

    @property
    def labels(self) -> Labels:
        """What kind of labels the rows have."""
        kind = LABELS[self.task]
        return "number" if kind == "class" and not self.label_names else kind
