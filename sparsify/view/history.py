"""How the figures of a run moved while it trained."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from sparsify.report import Point
from sparsify.view.marks import Sparkline
from sparsify.view.tables import table
from sparsify.view.words import number


def history_table(history: Sequence[Point]) -> Table:
    """One row a figure: its way through the run, its first, best-known ends and its last value."""
    made = table(
        "figure", "course", "first", "lowest", "highest", "last",
        right=("first", "lowest", "highest", "last"),
    )  # fmt: skip
    names = dict.fromkeys(name for point in history for name in point.values)
    for name in names:
        values = [point.values[name] for point in history if name in point.values]
        ends = (values[0], min(values), max(values), values[-1])
        made.add_row(name.replace("_", " "), Sparkline(values), *map(number, ends))
    return made
