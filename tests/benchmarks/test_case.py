"""Cases, and whether their goals hold."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from benchmarks.case import Case, Goal, judge
from benchmarks.timing import Timing

TWICE = Timing(((2.0, 1.0),), threads=2)
HALF = Timing(((1.0, 2.0),), threads=2)


@pytest.mark.parametrize(
    ("timing", "goal", "quick", "expected"),
    [
        (TWICE, Goal("<=", 2), False, (2.0, "<= 2", True)),
        (TWICE, Goal("<=", 1.15), False, (2.0, "<= 1.15", False)),
        (HALF, Goal(">=", 2), False, (2.0, ">= 2", True)),
        (TWICE, Goal(">=", 2), False, (0.5, ">= 2", False)),
        (TWICE, Goal("<=", 2), True, (2.0, "<= 2", None)),
        (TWICE, None, False, (2.0, None, None)),
    ],
)
def test_a_goal_is_judged_by_its_direction(
    timing: Timing, goal: Goal | None, quick: bool, expected: tuple[object, ...]
) -> None:
    case = judge("b", "c", timing, "this against that", goal, quick=quick)
    assert (case.ratio, case.goal, case.holds) == expected


def test_what_has_no_goal_can_be_asked_for_as_times_faster() -> None:
    assert judge("b", "c", HALF, "this against that", None, quick=False, faster=True).ratio == 2.0


def test_a_case_survives_being_written() -> None:
    case = judge("b", "c", TWICE, "this against that", None, quick=False)
    assert Case.read(asdict(case)) == case
    assert (case.value, case.baseline, case.unit) == (2000.0, 1000.0, "ms")
