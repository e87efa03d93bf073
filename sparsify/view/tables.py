"""The one look that all tables share."""

from __future__ import annotations

from rich import box
from rich.table import Table


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Table:
    """An empty table; the columns named in `right` hold figures."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        figures = column in right
        made.add_column(
            column, justify="right" if figures else "left", no_wrap=figures, overflow="fold"
        )
    return made
