"""What became of every key of another tool's recipe, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.importing import FATES, Imported, Row
from sparsify.view.tables import table
from sparsify.view.words import plural

STYLES = {"same": "green", "near": "yellow", "lost": "red", "needless": "dim"}
LONGEST = 44
"""Characters of an old value that are shown."""


def imported_view(imported: Imported) -> RenderableType:
    """A table with a part for each modifier, then a line of counts and what their words mean."""
    counts = {fate: imported.count(fate) for fate in FATES}
    said = ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)
    lines = [Text(f"{plural(len(imported.rows), 'key')} of {imported.tool}: {said}", "bold")]
    for fate, meaning in FATES.items():
        if counts[fate]:
            lines.append(Text.assemble((f"{fate:>8}", STYLES[fate]), f"  {meaning}"))
    return Group(keys_table(imported.rows), *lines)


def keys_table(rows: Sequence[Row]) -> Table:
    """One row a key, in the order of the old text; a modifier's name stands above its keys."""
    made = table("", "key", "here")
    above = None
    for row in rows:
        outer, _, leaf = row.old.rpartition(".")
        if outer != above and outer:
            made.add_row("", Text(outer.rpartition(".")[2], "bold"), "")
        above = outer
        value = row.value if len(row.value) <= LONGEST else f"{row.value[: LONGEST - 3]}..."
        indent = "  " if outer else ""
        made.add_row(
            Text(row.fate, STYLES[row.fate]),
            Text(f"{indent}{leaf}: {value}" if value else f"{indent}{leaf}"),
            Text("; ".join(each for each in (row.new, row.why) if each)),
        )
    return made
