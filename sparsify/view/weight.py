"""One weight: its zeros as a map, by row and by column, its numbers, how it can be stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from sparsify.inspection.mask import averaged
from sparsify.inspection.weight import Form, WeightDetail
from sparsify.view.heatmap import HeatMap
from sparsify.view.marks import Bar, Columns, Sparkline
from sparsify.view.tables import Fitted
from sparsify.view.weights import shape_words
from sparsify.view.words import number, percent, size

WIDE = 100
LINES = {False: 12, True: 20}
"""Of the map, on a narrow terminal and on a wide one."""
HEIGHT = 4
"""Lines of the distribution."""
COURSE = 24
"""Columns of a course along the rows of a weight, its columns, or the steps of training."""


class WeightView:
    """All that is known of one weight, in one screen."""

    def __init__(self, detail: WeightDetail) -> None:
        self.detail = detail

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        each, wide = self.detail, options.max_width >= WIDE
        yield _heading(each)
        yield HeatMap(each.kept, LINES[wide])
        yield ""
        yield Fitted(_courses, each)
        yield ""
        yield from _distribution(each, options.max_width)
        yield ""
        yield Fitted(_forms, each.forms)
        yield ""
        yield _summary(each)


def _heading(each: WeightDetail) -> Text:
    told = f"  {each.weight.role}  {shape_words(each.weight.shape)}"
    return Text(each.weight.name, "bold").append(told, "not bold dim")


def _courses(made: Table, each: WeightDetail, width: int) -> None:
    """Zeros along the rows, the columns, and training: one line each."""
    for name in ("zeros by", "course", "least", "median", "most", "all zero"):
        made.add_column(name, justify="left" if name in ("zeros by", "course") else "right")
    for name, shares in (("row", each.row_zeros), ("column", each.column_zeros)):
        if len(shares) > 1:
            ends = (shares.min(), np.median(shares), shares.max())
            whole = f"{np.count_nonzero(shares == 1):,} of {len(shares):,}"
            made.add_row(name, _course(shares), *map(percent, ends), whole)
    steps, history = each.history
    if history.size:
        ends = (history.min(), np.median(history), history.max())
        made.add_row(
            f"step {steps[0]:.0f}-{steps[-1]:.0f}", _course(history), *map(percent, ends), ""
        )


def _course(shares: NDArray[np.float64]) -> Sparkline:
    """Means of neighbours, so that nothing is left out."""
    return Sparkline(averaged(shares, min(COURSE, len(shares))).tolist(), COURSE)


def _distribution(each: WeightDetail, width: int) -> list[RenderableType]:
    """The numbers that are not zero, as columns, and the ends of their range below."""
    if not each.counts.sum():
        return [Text("every number is zero")]
    low, high = (f"{edge:.3g}" for edge in (each.edges[0], each.edges[-1]))
    spread = (
        f"mean {each.mean:.3g}, standard deviation {each.standard_deviation:.3g}, without zeros"
    )
    blanks = max(len(each.counts) - len(low) - len(high), 1)
    return [
        Columns(each.counts.tolist(), HEIGHT),
        Text(f"{low}{' ' * blanks}{high}", "dim"),
        Text(spread),
    ]


def _forms(made: Table, forms: Sequence[Form], width: int) -> None:
    for name in ("stored as", "bytes", ""):
        made.add_column(name, justify="right" if name == "bytes" else "left")
    for form in forms:
        made.add_row(
            form.name, size(form.size_bytes), Bar(form.size_bytes / forms[0].size_bytes, 20)
        )


def _summary(each: WeightDetail) -> Text:
    """Pattern and zeros, which is what most look for."""
    weight = each.weight
    empty = ", ".join(f"{percent(share)} of {block}" for block, share in each.empty.items())
    text = Text(f"{number(weight.count)} numbers, {percent(weight.sparsity, 2)} zero", "bold")
    text.append(f"; pattern: {each.pattern}", "bold cyan")
    return text.append(f"\nblocks that are all zero: {empty or 'none'}", "not bold")
