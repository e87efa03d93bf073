"""Questions and their contexts as token ids: windows over a context, and where the answer is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sparsify.data.batches import Encoded, Row, padding, require_fast
from sparsify.data.text import Question, Questions
from sparsify.errors import Problem
from sparsify.metrics import ByAnswer, Judge, Window

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST_ANSWER = 30
"""Tokens of an answer, where the recipe does not say."""
TOGETHER = 1000
"""Questions that are tokenized at once: what a tokenizer returns takes much memory."""


@dataclass(frozen=True)
class Windows(Encoded):
    """Rows that are windows over contexts, to be measured on."""

    windows: list[Window]
    questions: Questions
    longest_answer: int

    def judge(self) -> Judge:
        asked = self.questions.questions
        contexts, right = [each.context for each in asked], [each.answers for each in asked]
        return ByAnswer(self.windows, contexts, right, self.longest_answer)


def encode_questions(
    questions: Questions,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    names: Iterable[str] | None = None,
    *,
    stride: int | None = None,
    longest_answer: int | None = None,
) -> Windows:
    """Every question before every window of its context, as rows of at most `max_length` tokens.

    Two windows that follow each other have `stride` tokens in common. A label is the first and the
    last token of the answer, both the first token of the row where the answer is not in the window.
    A question that takes more than half of a row is cut.

    Raises:
        Problem: the tokenizer does not tell where tokens stand, or there is no room for a context.
    """
    pad = padding(tokenizer)
    given = [name for name in names or tokenizer.model_input_names if name in pad]
    stride = max(1, max_length // 3) if stride is None else stride
    room = _room(tokenizer, max_length, stride)
    cut = _Cut(tokenizer, max_length, stride, room)
    found = list(_rows(questions.questions, cut))
    rows: list[Row] = [{name: row[name] for name in given} for row, _, _ in found]
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    return Windows(
        rows,
        lengths,
        torch.tensor([label for _, _, label in found]),
        {name: pad[name] for name in given},
        int((lengths == max_length).sum()),
        windows=[window for _, window, _ in found],
        questions=questions,
        longest_answer=longest_answer or LONGEST_ANSWER,
    )


def _room(tokenizer: PreTrainedTokenizerBase, max_length: int, stride: int) -> int:
    """How many tokens of a question there is room for; Problems as of `encode_questions`."""
    require_fast(tokenizer, "question-answering")
    room = max_length // 2 - tokenizer.num_special_tokens_to_add(pair=True)
    if room < 1 or stride >= max_length // 2:
        raise Problem(
            f"a stride of {stride} tokens leaves no room for a question in {max_length}",
            where="data",
            hint="lower `stride` below half of `max_length`",
        )
    return room


@dataclass(frozen=True)
class _Cut:
    """How questions and contexts become rows, in tokens."""

    tokenizer: PreTrainedTokenizerBase
    max_length: int
    stride: int
    room: int
    """For a question."""


def _rows(
    questions: Sequence[Question], cut: _Cut
) -> Iterator[tuple[Row, Window, tuple[int, int]]]:
    for start in range(0, len(questions), TOGETHER):
        part = questions[start : start + TOGETHER]
        for row, window, label in _stretch(part, cut):
            yield row, replace(window, question=start + window.question), label


def _stretch(
    questions: Sequence[Question], cut: _Cut
) -> Iterator[tuple[Row, Window, tuple[int, int]]]:
    tokenizer = cut.tokenizer
    asked = _shortened([each.question.strip() for each in questions], tokenizer, cut.room)
    found: Any = tokenizer(
        asked,
        [each.context for each in questions],
        truncation="only_second",
        max_length=cut.max_length,
        stride=cut.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
        return_attention_mask=True,
    )
    for place, question in enumerate(found["overflow_to_sample_mapping"]):
        row = {
            name: found[name][place] for name in ("input_ids", "attention_mask", "token_type_ids")
        }
        sides = found.sequence_ids(place)
        first = sides.index(1) if 1 in sides else len(sides)
        count = sides.count(1)
        offsets = np.array(found["offset_mapping"][place][first : first + count], np.int32)
        window = Window(question, first, offsets.reshape(-1, 2))
        ids = row["input_ids"]
        nowhere = ids.index(tokenizer.cls_token_id) if tokenizer.cls_token_id in ids else 0
        yield row, window, _label(questions[question], window) or (nowhere, nowhere)


def _shortened(
    questions: Sequence[str], tokenizer: PreTrainedTokenizerBase, room: int
) -> list[str]:
    """The questions, each cut to at most `room` tokens."""
    found: Any = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True)
    return [
        text[: offsets[room - 1][1]] if len(offsets) > room else text
        for text, offsets in zip(questions, found["offset_mapping"], strict=True)
    ]


def _label(question: Question, window: Window) -> tuple[int, int] | None:
    """The first and the last token of the answer, where the whole of it is in the window."""
    low, high = question.start, question.start + len(question.answers[0])
    starts, ends = window.offsets[:, 0], window.offsets[:, 1]
    if not len(starts) or starts[0] > low or ends[-1] < high:
        return None
    first = int(np.searchsorted(starts, low, side="right")) - 1
    last = int(np.searchsorted(ends, high, side="left"))
    return window.first + first, window.first + max(first, last)
