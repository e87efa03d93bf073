"""Two contenders in turns."""

from __future__ import annotations

from benchmarks.timing import Contender, Timing, in_turns


def test_contenders_take_turns_and_the_first_one_changes() -> None:
    calls: list[str] = []
    ours = Contender(lambda: calls.append("a"), lambda: calls.append("prepare"))
    timing = in_turns(ours, Contender(lambda: calls.append("b")), pairs=2, warmup=1)
    assert calls == ["prepare", "a", "b", "prepare", "a", "b", "b", "prepare", "a"]
    assert timing.pairs == 2


def test_what_is_slow_for_both_cancels_out() -> None:
    timing = Timing(((1.1, 1.0), (11.0, 10.0), (2.2, 2.0), (5.0, 1.0)), threads=1)
    assert round(timing.cost, 6) == 1.1
    assert round(timing.times_faster, 6) == round(1 / 1.1, 6)
