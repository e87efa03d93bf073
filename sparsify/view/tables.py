"""The one look that all tables share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table

T = TypeVar("T")
NO_LIMIT = 10_000
"""Columns that no table has."""
PLAIN_HEAD = box.Box(
    "    \n    \n -- \n    \n    \n    \n    \n    \n",
    ascii=True,
)
"""A line under the heads and nothing else, as `SIMPLE_HEAD`, where there is ASCII only."""


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Table:
    """An empty table; the columns named in `right` hold figures."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        figures = column in right
        made.add_column(
            column, justify="right" if figures else "left", no_wrap=figures, overflow="fold"
        )
    return made


class Fitted(Generic[T]):
    """A table without edges for views that need the width: two blanks between columns, or one.

    `fill` gets the empty table, `facts`, and the width that there is.
    """

    def __init__(self, fill: Callable[[Table, T, int], None], facts: T) -> None:
        self.fill = fill
        self.facts = facts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        made = self._made(options, 1)
        natural = Measurement.get(console, options.update(max_width=NO_LIMIT), made).maximum
        yield made if natural <= options.max_width else self._made(options, 0)

    def _made(self, options: ConsoleOptions, blanks: int) -> Table:
        made = Table(
            box=PLAIN_HEAD if options.ascii_only else box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, blanks, 0, 0),
        )
        self.fill(made, self.facts, options.max_width)
        return made
