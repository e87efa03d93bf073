"""Axes of charts, in the terminal and on a page: round ticks, and where on them a number lies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

STEPS = (1.0, 2.0, 5.0, 10.0)
"""Distances of ticks, times a power of ten."""


@dataclass(frozen=True)
class Axis:
    """A range of numbers, its ends included, and the ticks on it, ascending."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    logarithmic: bool = False

    def shares(self, values: ArrayLike) -> NDArray[np.float64]:
        """How far along the axis `values` lie: 0 at its low end, 1 at its high end."""
        given = np.asarray(values, np.float64)
        if self.logarithmic:
            given = np.log(given) - math.log(self.low)
            return given / (math.log(self.high) - math.log(self.low))
        return (given - self.low) / (self.high - self.low)


def linear(values: Iterable[float], unit: str = "", most: int = 5, *, exact: bool = False) -> Axis:
    """An axis for finite `values`, at least one, with at most `most` ticks.

    Args:
        values: what shall lie on it.
        unit: `%` writes shares of 1 as percent; anything else stands after a number.
        most: ticks at most, two at least.
        exact: whether it ends where the values end, instead of at ticks.
    """
    low, high = _range(values)
    step = _step((high - low) / max(most - 1, 1))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if last - first + 1 > most:
        step = _step(step * 1.01)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))
    if exact:
        ticks = tuple(tick for tick in ticks if low <= tick <= high)
    else:
        low, high = ticks[0], ticks[-1]
    return Axis(low, high, ticks, tuple(_label(tick, step, unit) for tick in ticks))


def logarithmic(values: Iterable[float], unit: str = "") -> Axis:
    """An axis of powers of ten for positive `values`, at least one."""
    found = list(values)
    first, last = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
    powers = range(first, max(last, first + 1) + 1)
    ticks = tuple(10.0**power for power in powers)
    labels = tuple(_label(tick, tick, unit) for tick in ticks)
    return Axis(ticks[0], ticks[-1], ticks, labels, logarithmic=True)


def spread(wanted: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Places from `low` to `high` near those `wanted`, in their order, at least `gap` apart.

    Where there is no room for all, the last of them lie beyond `high`.
    """
    places = list(wanted)
    free = low
    for rank, index in enumerate(sorted(range(len(places)), key=places.__getitem__), start=1):
        highest = high - gap * (len(places) - rank)
        places[index] = max(free, min(places[index], highest))
        free = places[index] + gap
    return places


def _range(values: Iterable[float]) -> tuple[float, float]:
    """The ends of `values`, apart even where all are one."""
    found = list(values)
    low, high = min(found), max(found)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    around = abs(low) / 10 or 1.0
    return low - around, high + around


def _step(least: float) -> float:
    """The smallest round distance that is no less than `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * (1 - 1e-9))


def _label(tick: float, step: float, unit: str) -> str:
    """A tick with as many decimals as its neighbours need to be told apart."""
    scale = 100 if unit == "%" else 1
    if unit != "%" and not 1e-4 <= abs(step) < 1e7:
        digits = _power(tick) - _power(step) if tick else 0
        return f"{tick:.{max(0, digits)}e}" if tick else "0"
    decimals = max(0, -_power(step * scale))
    text = f"{tick * scale:,.{decimals}f}"
    return f"{text}{unit}" if unit == "%" else f"{text} {unit}".rstrip()


def _power(value: float) -> int:
    """The power of ten of the first digit."""
    return math.floor(math.log10(abs(value)) + 1e-9)
