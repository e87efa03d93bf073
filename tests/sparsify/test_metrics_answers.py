"""Answers are scored as SQuAD 1.1 scores them, and the likeliest span is found over all windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsify.metrics import ByAnswer, Window
from sparsify.metrics.answers import answer_f1, exact_match, likeliest, normalized

MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The  Denver\tBroncos!", "denver broncos"),
        ("a", ""),
        ("An apple, a day", "apple day"),
        ("9 a.m.", "9 am"),
        ("U.S.A", "usa"),
        ("theatre", "theatre"),
        ("well-known", "wellknown"),
        ("the 'the'", ""),
        ("Zürich: the city", "zürich city"),
    ],
)
def test_normalisation(answer: str, expected: str) -> None:
    assert normalized(answer) == expected


@pytest.mark.parametrize(
    ("answer", "right", "exact", "f1"),
    [
        ("the Broncos", ["Broncos."], 1, 1),
        ("Denver Broncos", ["Broncos", "The Denver team"], 0, 2 / 3),
        ("in 1973", ["October 1973", "1973"], 0, 2 / 3),
        ("Paris Paris", ["Paris"], 0, 2 / 3),
        ("Rome", ["Paris", "London"], 0, 0),
        ("", ["Paris"], 0, 0),
        # the script of SQuAD 1.1 gives no F1 where no word is shared, even if nothing is left
        ("the", ["a"], 1, 0),
    ],
)
def test_scores_worked_out_by_hand(answer: str, right: list[str], exact: float, f1: float) -> None:
    assert exact_match(answer, right) == exact
    assert answer_f1(answer, right) == pytest.approx(f1)


def stated(text: str) -> list[str]:
    """The normalisation said again, character by character and word by word."""
    kept = "".join(c for c in text.lower() if c not in MARKS)
    return [word for word in kept.split() if word not in ("a", "an", "the")]


def stated_f1(answer: str, right: str) -> float:
    """F1 from precision and recall, shared words struck out one by one."""
    words, wanted = stated(answer), stated(right)
    rest, shared = list(wanted), 0
    for word in words:
        if word in rest:
            rest.remove(word)
            shared += 1
    if not shared:
        return 0.0
    precision, recall = shared / len(words), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


TEXT = st.lists(st.sampled_from(["the", "A", "an", "b", "B.", "c", "c,", "-", "d'e"])).map(" ".join)


@given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_scores_equal_the_definition_said_again(answer: str, right: list[str]) -> None:
    assert answer_f1(answer, right) == pytest.approx(max(stated_f1(answer, r) for r in right))
    assert exact_match(answer, right) == any(stated(answer) == stated(r) for r in right)


@pytest.mark.parametrize("longest", [1, 3, 9])
def test_the_likeliest_span_is_that_of_a_search_through_all(longest: int) -> None:
    logits = torch.randn(16, 2, 7)
    logits[:, :, 0] = -torch.inf
    score, start, end = likeliest(logits, longest)
    for row in range(len(logits)):
        spans = [(a, b) for a in range(7) for b in range(a, min(7, a + longest))]
        sums = [float(logits[row, 0, a] + logits[row, 1, b]) for a, b in spans]
        assert (int(start[row]), int(end[row])) == spans[int(np.argmax(sums))]
        assert float(score[row]) == pytest.approx(max(sums))


CONTEXT = "xx yy zz ww"
OFFSETS = np.array([[0, 2], [3, 5], [6, 8], [9, 11]], np.int32)


def seen(*logits: torch.Tensor) -> ByAnswer:
    """A judge who saw two windows of one context: tokens 2 to 4, and 1 to 2 of its second half."""
    windows = [Window(0, 2, OFFSETS[:3]), Window(0, 1, OFFSETS[2:])]
    judge = ByAnswer(windows, [CONTEXT], [("zz ww", "ZZ")], longest=2)
    for row, each in enumerate(logits):
        judge.see(torch.tensor([row]), each[None])
    return judge


def test_the_best_of_all_windows_counts_and_the_question_does_not() -> None:
    first, second = torch.zeros(2, 5), torch.zeros(2, 3)
    first[:, 0] = 100.0
    first[0, 2] = first[1, 3] = 2.0
    assert seen(first).best == [(4.0, "xx yy")]
    second[0, 1] = second[1, 2] = 3.0
    judge = seen(first, second)
    assert judge.best == [(6.0, "zz ww")]
    assert judge.scores().values == {"f1": 1.0, "exact_match": 1.0}
    assert judge.scores().main == "f1"
    assert judge.collapsed() is None


def test_outputs_that_are_not_finite_are_called_out() -> None:
    judge = seen(torch.full((2, 5), torch.nan))
    assert judge.scores().values == {"f1": 0.0, "exact_match": 0.0}
    assert judge.collapsed() == "The model's outputs are not finite: training has diverged."
