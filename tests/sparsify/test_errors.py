"""One sentence: where, what, what to do."""

from __future__ import annotations

import pytest

from sparsify.errors import CheckFailed, Problem, Violation, nearest, unknown


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem("it is empty"), "it is empty"),
        (Problem("it is empty", where="a.csv"), "a.csv: it is empty"),
        (Problem("it is empty", hint="fill it"), "it is empty; fill it"),
        (Problem("it is empty", where="a.csv", hint="fill it"), "a.csv: it is empty; fill it"),
        (unknown("pass", "prun", ["prune", "clean"]),
         "no pass named 'prun'; did you mean 'prune'?"),
        (unknown("pass", "zzz", ["prune", "clean"], where="passes[0]"),
         "passes[0]: no pass named 'zzz'; known: clean, prune"),
        (unknown("pass", "zzz", map(str, range(13))), "no pass named 'zzz'"),
        (unknown("pass", "zzz", []), "no pass named 'zzz'"),
    ],
)  # fmt: skip
def test_a_problem_is_one_sentence(problem: Problem, expected: str) -> None:
    assert str(problem) == expected


def test_a_hint_is_the_closest_name() -> None:
    assert nearest("magnitud", ["movement", "magnitude"]) == "did you mean 'magnitude'?"


def test_bugs_and_failed_checks_are_not_mistakes() -> None:
    assert not issubclass(Violation, Problem)
    assert not issubclass(CheckFailed, Problem)
    assert issubclass(Violation, AssertionError)
