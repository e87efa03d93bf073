"""Schedules: how far along is pruning at time t? From 0, nothing pruned, to 1, all of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sparsify.kinds import schedule

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


@schedule
def one_shot(t: float) -> float:
    """Everything at once, when the pass runs; nothing is left for training to prune."""
    return 1.0


@schedule
def linear(t: float, *, first: Share = 0.0) -> float:
    """The same number of weights in every update; the share `first` of them at once."""
    return first + (1.0 - first) * t


@schedule
def cubic(t: float, *, first: Share = 0.0) -> float:
    """1 - (1 - t)^3, fast at first. Zhu and Gupta 2017, arXiv:1710.01878, equation 1.

    first + (1 - first) * (1 - (1 - t)^3) where the share `first` is pruned at once: their initial
    sparsity over the final one.
    """
    return first + (1.0 - first) * (1.0 - (1.0 - t) ** 3)


@schedule
def polynomial(
    t: float, *, power: Annotated[float, Field(gt=0)] = 3.0, first: Share = 0.0
) -> float:
    """1 - (1 - t)^power: 1 is `linear`, 3 is `cubic`, more is faster at first."""
    return float(first + (1.0 - first) * (1.0 - (1.0 - t) ** power))


@schedule
def steps(t: float, *, count: Count = 9) -> float:
    """`count` equal steps, the first at once and the last at the end, with training in between.

    With 9 steps to 90% it is 10%, 20%...: CAP-f, arXiv:2112.07198.
    """
    if count == 1:
        return 1.0
    return (1 + _steps_done(t, count - 1)) / count


@schedule
def cyclic(t: float, *, cycles: Count = 6, first: Share = 0.7) -> float:
    """`first` at once, then along a cubic, and after each of `cycles` a time to recover.

    first + (1 - first) * (1 - (1 - k / cycles)^3) from t = k / cycles on. oBERT, arXiv:2203.07259:
    to 97% in 6 cycles of four epochs, from 70% on, which is `first: 0.7216`.
    """
    return first + (1.0 - first) * cubic(_steps_done(t, cycles) / cycles)


def _steps_done(t: float, count: int) -> int:
    """How many of `count` equal parts of the time are over at t."""
    # 0.29 * 100 is 28.999999999999996
    return int(t * count + 1e-9)
