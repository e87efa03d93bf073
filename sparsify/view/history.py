"""How the figures of a run moved while it trained, as charts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from sparsify.history import Curve, History
from sparsify.view.charts import Chart
from sparsify.view.lines import Line

COLOURS = ("cyan", "magenta", "yellow", "green", "red", "blue")
BESIDE = 110
"""Columns from which two charts stand beside one another."""
FAR = 30.0
"""How many times larger than another a loss must be to need an axis of equal ratios."""


def charts(history: History) -> list[Chart]:
    """Losses by term, zeros against their schedule, the metric that decides, mask churn."""
    training, masks, ends = history.training, history.masks, (0.0, float(history.steps))
    losses = [
        Line(name.removesuffix("_loss"), *training.curve(name), COLOURS[number % len(COLOURS)])
        for number, name in enumerate(each for each in training.values if each.endswith("_loss"))
    ]
    reached = masks.curve("sparsity_fraction")
    if history.weights.step:
        # older runs know it at evaluations only, and not when it was reached
        reached = stairs(reached, ends[1])
    zeros = [Line("zeros", *reached, "magenta")]
    if "planned_sparsity_fraction" in training.values:
        planned = training.curve("planned_sparsity_fraction")
        zeros.append(Line("planned", *planned, "bright_black", dotted=True))
    metrics = [
        Line(name, *history.evaluations.curve(name), "green")
        for name in islice(history.evaluations.values, 1)
    ]
    churn = [Line("flipped", *masks.curve("mask_churn_fraction"), "yellow")]
    found = [
        Chart("loss by term, running mean", losses, log=_are_far_apart(losses), ends=ends),
        Chart("zeros in the pruned weights", zeros, "%", ends=ends),
        Chart(f"{metrics[0].name} on the validation set" if metrics else "", metrics, ends=ends),
        Chart("mask churn, entries flipped by an update", churn, "%", ends=ends),
    ]
    return [chart for chart in found if any(line.points()[0].size for line in chart.lines)]


def stairs(curve: Curve, end: float) -> Curve:
    """A curve of one point or more, unchanged from each to the next, and from the last to `end`."""
    steps, values = curve
    return np.append(np.repeat(steps, 2)[1:], max(end, steps[-1])), np.repeat(values, 2)


class Charts:
    """Charts below one another, or in pairs where the terminal is wide."""

    def __init__(self, shown: Sequence[Chart]) -> None:
        self.shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        across = 2 if options.max_width >= BESIDE else 1
        grid = Table.grid(expand=True, padding=(0, 2 if across > 1 else 0, 1, 0))
        for _ in range(across):
            grid.add_column(ratio=1)
        for start in range(0, len(self.shown), across):
            grid.add_row(*self.shown[start : start + across])
        yield grid


def history_view(history: History) -> Charts:
    return Charts(charts(history))


def _are_far_apart(lines: Sequence[Line]) -> bool:
    """Whether one axis of equal distances would show the smallest line as flat."""
    known = [line.points()[1] for line in lines if line.points()[1].size]
    sizes = [float(np.median(values)) for values in known]
    positive = bool(known) and float(min(map(np.min, known))) > 0
    return positive and max(sizes) > FAR * min(sizes)
