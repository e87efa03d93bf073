"""Two ways to do the same, timed in turns, so that a busy machine is as unkind to both."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch


def nothing() -> None:
    """No preparation."""


@dataclass(frozen=True)
class Contender:
    """One of the two: `run` is timed, `prepare` before it is not."""

    run: Callable[[], object]
    prepare: Callable[[], object] = nothing


@dataclass(frozen=True)
class Timing:
    """The seconds of every pair, ours and the baseline's."""

    seconds: tuple[tuple[float, float], ...]
    threads: int

    @property
    def pairs(self) -> int:
        return len(self.seconds)

    @property
    def ours_s(self) -> float:
        return median(ours for ours, _ in self.seconds)

    @property
    def baseline_s(self) -> float:
        return median(baseline for _, baseline in self.seconds)

    @property
    def cost(self) -> float:
        """The median over the pairs of ours / baseline: what was slow for both cancels out."""
        return median(ours / baseline for ours, baseline in self.seconds)

    @property
    def times_faster(self) -> float:
        """The median over the pairs of baseline / ours."""
        return median(baseline / ours for ours, baseline in self.seconds)


def in_turns(ours: Contender, baseline: Contender, *, pairs: int, warmup: int = 1) -> Timing:
    """Run both `warmup` times unseen, then `pairs` times; who begins changes with every pair."""
    # what exists already need not be searched for garbage before every run
    gc.freeze()
    try:
        for _ in range(warmup):
            _seconds(ours)
            _seconds(baseline)
        found = [_pair(ours, baseline, number) for number in range(pairs)]
    finally:
        gc.unfreeze()
    return Timing(tuple(found), torch.get_num_threads())


def _pair(ours: Contender, baseline: Contender, number: int) -> tuple[float, float]:
    if number % 2:
        second = _seconds(baseline)
        return _seconds(ours), second
    return _seconds(ours), _seconds(baseline)


def _seconds(contender: Contender) -> float:
    contender.prepare()
    gc.collect()
    started = time.perf_counter()
    contender.run()
    return time.perf_counter() - started
