"""Tags of words: the entities that they spell, and how many of them a model finds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from sparsify.metrics.judge import DIVERGED
from sparsify.metrics.labels import one_class
from sparsify.report import Scores

OUTSIDE = "O"
TAG = re.compile(r"[BIELSU](-.*)?")
"""A part of an entity, as IOB, IOBES and BILOU write it: a letter, and mostly a type."""
SAME = {"L": "E", "U": "S"}
"""Letters of BILOU -> those of IOBES."""
Entity = tuple[str, int, int]
"""Its type, and its first and last word."""


def entities(tags: Sequence[str]) -> set[Entity]:
    """The entities of one sentence, found as leniently as CoNLL's own script finds them.

    A word goes on with the entity of the word before it if its letter is I or E, that of the word
    before is B or I, and both have one type. Every other word with a tag begins an entity, so that
    no tag is wrong in itself. Tjong Kim Sang and De Meulder 2003, doi:10.3115/1119176.1119195.
    """
    found: list[tuple[str, int, int]] = []
    before = ("", "")
    for place, tag in enumerate(tags):
        letter, _, kind = tag.partition("-")
        letter = SAME.get(letter, letter)
        if letter in ("I", "E") and before[0] in ("B", "I") and before[1] == kind:
            found[-1] = (kind, found[-1][1], place)
        elif tag != OUTSIDE:
            found.append((kind, place, place))
        before = (letter, kind)
    return set(found)


@dataclass
class ByTag:
    """Judges logits f32[B, S, tags] by the tags of the words that begin with a token."""

    labels: Tensor
    """i64[N, S], -100 where no word begins."""
    names: Sequence[str]
    """The tags by id."""
    pairs: list[tuple[list[int], list[int]]] = field(init=False, default_factory=list)
    """For every row seen: predicted and right tags of its words."""
    finite: bool = field(init=False, default=True)

    def see(self, rows: Tensor, logits: Tensor) -> None:
        self.finite = self.finite and bool(logits.isfinite().all())
        wanted = self.labels[rows][:, : logits.shape[1]]
        for chosen, right in zip(logits.argmax(-1), wanted, strict=True):
            is_word = right >= 0
            self.pairs.append((chosen[is_word].tolist(), right[is_word].tolist()))

    def scores(self) -> Scores:
        """Accuracy over words and, where the tags spell entities, F1, precision and recall of them.

        An entity is right if its type and both its ends are.
        """
        hits = [a == b for chosen, right in self.pairs for a, b in zip(chosen, right, strict=True)]
        accuracy = {"accuracy": float(np.mean(hits))}
        if not all(name == OUTSIDE or TAG.fullmatch(name) for name in self.names):
            return Scores(main="accuracy", values=accuracy)
        found = wanted = both = 0
        for pair in self.pairs:
            mine, right = (entities([self.names[tag] for tag in tags]) for tags in pair)
            found, wanted, both = found + len(mine), wanted + len(right), both + len(mine & right)
        values = {
            "f1": 2 * both / (found + wanted) if both else 0.0,
            "precision": both / found if found else 0.0,
            "recall": both / wanted if wanted else 0.0,
        }
        return Scores(main="f1", values=values | accuracy)

    def collapsed(self) -> str | None:
        if not self.finite:
            return DIVERGED
        chosen, right = (np.array([tag for pair in self.pairs for tag in pair[i]]) for i in (0, 1))
        return one_class(chosen, right, self.names, rows="words")
