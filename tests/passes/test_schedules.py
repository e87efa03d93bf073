"""Schedules begin at nothing, end at everything, and never turn back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.ramp import progress
from sparsify.kinds import schedule

SMOOTH = ("linear", "cubic", "polynomial")
moments = st.floats(0, 1)


@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_one_begins_at_nothing(name: str) -> None:
    assert schedule.choose(name)(t=0.0) == 0.0


@pytest.mark.parametrize("name", sorted(schedule.members))
def test_it_ends_at_everything(name: str) -> None:
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
    assert schedule.choose("polynomial", power=3)(t=t) == expected
    assert schedule.choose("polynomial", power=1)(t=t) == t
    assert schedule.choose("linear")(t=t) == t


def official_threshold(step: int) -> float:
    """What the authors of movement pruning keep at a step of CAP-m's QQP run.

    113,710 steps, 11,000 of warm-up, twice of it dense and three times of it at the end.
    """
    total, warmup, first, last, initial, final = 113_710, 11_000, 2, 3, 1.0, 0.1
    if step <= first * warmup:
        return initial
    if step > total - last * warmup:
        return final
    left = 1 - (step - first * warmup) / (total - (last + first) * warmup)
    return final + (initial - final) * left**3


OFFICIAL_STEPS = (0, 11_000, 22_000, 22_001, 35_000, 51_355, 70_000, 80_710, 80_711, 113_710)
"""From the first to the last, with both ends of the dense steps and of those at the end."""


@pytest.mark.parametrize("step", OFFICIAL_STEPS)
def test_a_run_keeps_at_each_step_what_the_official_program_keeps(step: int) -> None:
    total = 113_710
    run = SimpleNamespace(
        schedule=schedule.choose("cubic"), warmup=22_000 / total, cooldown=33_000 / total
    )
    kept = 1 - 0.9 * progress(run, step, total)
    assert kept == pytest.approx(official_threshold(step), abs=1e-12)


def test_steps_are_equal_and_evenly_spread() -> None:
    nine = schedule.choose("steps", count=9)
    found = [nine(t=step / 8) for step in range(9)]
    assert found == pytest.approx([k / 9 for k in range(1, 10)])
    assert nine(t=0.1249) == nine(t=0.0)
    assert schedule.choose("steps", count=1)(t=0.0) == 1.0
    hundred = schedule.choose("steps", count=101)
    assert len({hundred(t=step / 100) for step in range(101)}) == 101


def test_cyclic_rests_between_its_steps_as_oberts_recipe_does() -> None:
    """From 70% at epoch 2 to 97% at epoch 26, a step every four epochs."""
    chosen = schedule.choose("cyclic", cycles=6, first=0.70 / 0.97)
    for epoch in range(2, 27):
        cycle = (epoch - 2) // 4
        expected = 0.70 + (0.97 - 0.70) * (1 - (1 - cycle / 6) ** 3)
        assert 0.97 * chosen(t=(epoch - 2) / 24) == pytest.approx(expected)
