"""Answers as spans of a text: which span a model means, and how near it is to the right ones."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sparsify.metrics.judge import DIVERGED
from sparsify.report import Scores

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized(answer: str) -> str:
    """An answer as SQuAD compares it: lower case, no punctuation, no articles, single spaces.

    Rajpurkar et al. 2016, arXiv:1606.05250, section 5, in the order of its evaluation script:
    punctuation goes first, so that `a.m.` becomes `am` and keeps its `a`.
    """
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, right: Sequence[str]) -> float:
    """1 where the answer equals one of the right ones, normalised; else 0."""
    return float(normalized(answer) in map(normalized, right))


def answer_f1(answer: str, right: Sequence[str]) -> float:
    """F1 over the words that the answer shares with the right one nearest to it, normalised."""
    return max(_f1(normalized(answer).split(), normalized(each).split()) for each in right)


def _f1(words: list[str], wanted: list[str]) -> float:
    shared = sum((Counter(words) & Counter(wanted)).values())
    return 2 * shared / (len(words) + len(wanted)) if shared else 0.0


@dataclass(frozen=True)
class Window:
    """The part of a context that one row of the data holds."""

    question: int
    """The number of the question that it belongs to."""
    first: int
    """The place of its first token in the row."""
    offsets: np.ndarray[tuple[int, ...], np.dtype[np.int32]]
    """i32[tokens, 2]: where each of its tokens begins and ends in the context."""


@dataclass
class ByAnswer:
    """Judges logits f32[B, 2, S], of starts and ends, by the answers that people gave.

    The answer to a question is the likeliest span in any of its windows: the sum of the two logits
    is the largest of all spans of at most `longest` tokens within the context.
    """

    windows: Sequence[Window]
    contexts: Sequence[str]
    """By question."""
    right: Sequence[Sequence[str]]
    """By question: the answers that count as right."""
    longest: int
    best: list[tuple[float, str]] = field(init=False)
    """By question: the sum of logits, and the text."""
    finite: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self.best = [(-float("inf"), "")] * len(self.contexts)

    def see(self, rows: Tensor, logits: Tensor) -> None:
        windows = [self.windows[row] for row in rows.tolist()]
        places = torch.arange(logits.shape[-1])
        first = torch.tensor([each.first for each in windows])[:, None]
        count = torch.tensor([len(each.offsets) for each in windows])[:, None]
        outside = (places < first) | (places >= first + count)
        self.finite = self.finite and bool(logits.isfinite().all())
        found = likeliest(logits.masked_fill(outside[:, None], -torch.inf), self.longest)
        for window, score, start, end in zip(windows, *(x.tolist() for x in found), strict=True):
            if score > self.best[window.question][0]:
                low = window.offsets[start - window.first, 0]
                high = window.offsets[end - window.first, 1]
                self.best[window.question] = score, self.contexts[window.question][low:high]

    def scores(self) -> Scores:
        """F1 and exact match, each the mean over the questions."""
        pairs = [(text, right) for (_, text), right in zip(self.best, self.right, strict=True)]
        values = {
            "f1": float(np.mean([answer_f1(*pair) for pair in pairs])),
            "exact_match": float(np.mean([exact_match(*pair) for pair in pairs])),
        }
        return Scores(main="f1", values=values)

    def collapsed(self) -> str | None:
        return None if self.finite else DIVERGED


def likeliest(logits: Tensor, longest: int) -> tuple[Tensor, Tensor, Tensor]:
    """The best span of at most `longest` tokens in every row.

    Args:
        logits: f32[B, 2, S], of starts and ends; -inf where no answer may lie.
        longest: tokens.

    Returns:
        f32[B], i64[B], i64[B]: the sum of both logits, the first and the last token.
    """
    starts, ends = logits.unbind(1)
    behind = F.pad(ends, (0, longest - 1), value=-torch.inf).unfold(1, longest, 1)
    best, distance = behind.max(dim=-1)
    score, start = (starts + best).max(dim=-1)
    return score, start, start + distance.gather(1, start[:, None]).squeeze(1)
