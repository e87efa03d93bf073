"""Charts as shapes on a page: where in a drawing each line, tick and name goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sparsify.history import Curve
from sparsify.view.axes import Axis, spread
from sparsify.view.charts import Chart
from sparsify.view.lines import Line

WIDTH, HEIGHT = 400.0, 230.0
"""Of a drawing, in its own units: its letters stay readable on a phone."""
LEFT, RIGHT, TOP, BOTTOM = 50.0, 92.0, 12.0, 34.0
"""Room around the lines for ticks and names."""
NAME = 28.0
"""The height of a line's name and its last value."""
COLOURS = 6
"""Of lines; the style sheet has as many."""
FEW = 40
"""Points of a line, up to which each of them is marked."""
TINY = (72.0, 18.0, 24)
"""Width, height and most points of a line in a cell of a table."""
SIZE = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT}


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Drawn:
    """One line: corners as SVG's `points`, marks with what they say, and its name at its end."""

    name: str
    last: str
    points: str
    marks: tuple[tuple[float, float, str], ...]
    name_at: float
    style: str


@dataclass(frozen=True)
class Plot:
    """A chart, ready to be written as SVG."""

    key: str
    title: str
    lines: tuple[Drawn, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def plot(chart: Chart, key: str) -> Plot:
    """Where everything of `chart` goes; `key` tells drawings of one page apart."""
    lines = chart.known
    up, across = chart.up(), chart.across(5)
    ends = [float(_down(up, line.points()[1][-1:])[0]) for line in lines]
    names = spread(ends, NAME, TOP + NAME / 2, HEIGHT - BOTTOM - NAME / 2)
    drawn = zip(lines, names, strict=True)
    return Plot(
        key,
        chart.title,
        tuple(_drawn(line, chart, n, at) for n, (line, at) in enumerate(drawn)),
        _ticks(_right(across, across.ticks), across.labels),
        _ticks(_down(up, up.ticks), up.labels),
    )


def tiny(curve: Curve, end: float) -> str:
    """SVG's `points` of a share of 1 over steps from 0 to `end`, small enough for a table."""
    steps, values = curve
    width, height, most = TINY
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int))
    right = width * steps[chosen] / max(end, 1.0)
    down = 1 + (height - 2) * (1 - values[chosen])
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(right, down, strict=True))


def _ticks(places: Sequence[float], labels: Sequence[str]) -> tuple[Tick, ...]:
    return tuple(Tick(round(at, 2), label) for at, label in zip(places, labels, strict=True))


def _drawn(line: Line, chart: Chart, number: int, name_at: float) -> Drawn:
    steps, values = line.points()
    right, down = _right(chart.across(5), steps), _down(chart.up(), values)
    told = [f"step {s:.0f}: {chart.figure(v)}" for s, v in zip(steps, values, strict=True)]
    marks = [(round(x, 2), round(y, 2), text) for x, y, text in zip(right, down, told, strict=True)]
    return Drawn(
        line.name,
        chart.figure(float(values[-1])),
        " ".join(f"{x:.2f},{y:.2f}" for x, y in zip(right, down, strict=True)),
        tuple(marks) if len(marks) <= FEW else (),
        round(name_at, 2),
        "planned" if line.dotted else f"c{number % COLOURS}",
    )


def _right(across: Axis, steps: ArrayLike) -> list[float]:
    return [LEFT + float(share) * (WIDTH - LEFT - RIGHT) for share in across.shares(steps)]


def _down(up: Axis, values: ArrayLike) -> list[float]:
    return [TOP + (1 - float(share)) * (HEIGHT - TOP - BOTTOM) for share in up.shares(values)]
