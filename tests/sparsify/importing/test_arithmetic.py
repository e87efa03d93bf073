"""Expressions of old recipes are arithmetic, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsify.errors import Problem
from sparsify.importing.arithmetic import evaluate

VALUES: dict[str, Any] = {"epochs": 30, "rate": 5e-5, "names": ["a"], "curve": "cubic"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs - 4", 26),
        ("-(epochs // 4) % 5", 3),
        ("2 ** 3 / 4", 2.0),
        ("max(epochs, 40, 7)", 40),
        ("round(rate * 1e5, 1)", 5.0),
        ("curve", "cubic"),
        (" names ", ["a"]),
    ],
)
def test_what_is_computed(text: str, expected: object) -> None:
    assert evaluate(text, VALUES, where="r.yaml:1:1") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch - 4", "no variable named 'epoch'; did you mean 'epochs'?"),
        ("epochs -", "eval(epochs -) is no expression"),
        ("1 / 0", "eval(1 / 0): division by zero"),
        ("names + 1", "'names' is ['a'], not a number"),
        ("9 ** 9999", "the exponent 9999 is too large"),
        ("1" * 600, "an expression of 600 characters is not read"),
        (
            "__import__('os').system('true')",
            "eval(__import__('os').system('true')) is not computed: only arithmetic on numbers is; "
            "write the value itself",
        ),
        (
            "[x for x in names]",
            "eval([x for x in names]) is not computed: only arithmetic on numbers is; "
            "write the value itself",
        ),
        (
            "epochs.real",
            "eval(epochs.real) is not computed: only arithmetic on numbers is; "
            "write the value itself",
        ),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(Problem) as found:
        evaluate(text, VALUES, where="r.yaml:1:1")
    assert str(found.value) == f"r.yaml:1:1: {message}"


@given(st.integers(-99, 99), st.integers(-99, 99), st.floats(0.25, 99))
def test_it_computes_as_python_does(one: int, two: int, three: float) -> None:
    text = f"({one} - {two} * a) / ({three!r} + 2 ** 2) - -a"
    expected = (one - two * 7) / (three + 2**2) - -7
    assert evaluate(text, {"a": 7}, where="") == expected
