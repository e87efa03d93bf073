"""Schedules begin at nothing, end at everything, and never turn back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsify.kinds import schedule

GRADUAL = sorted(schedule.members.keys() - {"one-shot"})
moments = st.floats(0, 1)


@pytest.mark.parametrize("name", GRADUAL)
def test_it_begins_at_nothing_and_ends_at_everything(name: str) -> None:
    assert schedule.choose(name)(t=0.0) == 0.0
    assert schedule.choose(name)(t=1.0) == 1.0


@pytest.mark.parametrize("name", sorted(schedule.members))
@given(moments, moments)
def test_it_never_turns_back(name: str, one: float, other: float) -> None:
    early, late = sorted((one, other))
    chosen = schedule.choose(name)
    assert 0.0 <= chosen(t=early) <= chosen(t=late) <= 1.0


def test_one_shot_is_done_at_once() -> None:
    assert schedule.choose("one-shot")(t=0.0) == 1.0


@pytest.mark.parametrize(("t", "expected"), [(0.25, 0.578125), (0.5, 0.875), (0.75, 0.984375)])
def test_cubic_by_hand(t: float, expected: float) -> None:
    assert schedule.choose("cubic")(t=t) == expected
    assert schedule.choose("linear")(t=t) == t
