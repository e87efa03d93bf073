"""Cases as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from benchmarks.case import Case

VERDICTS = {None: Text("not judged", style="dim"), True: Text("holds", style="green")}
VERDICTS[False] = Text("does not hold", style="bold red")


def on_terminal(cases: Sequence[Case]) -> Table:
    """One row a case; at least one."""
    count = cases[0].threads
    title = f"{cases[0].bench}, {count} thread{'s' * (count != 1)}"
    table = Table(title=title, title_justify="left")
    table.add_column("case")
    for name in ("ours", "baseline", "ratio", "goal"):
        table.add_column(name, justify="right")
    table.add_column("")
    for case in cases:
        table.add_row(
            f"{case.case}\n[dim]{case.says}[/dim]",
            f"{case.value:,.1f} {case.unit}",
            f"{case.baseline:,.1f} {case.unit}",
            f"{case.ratio:.2f}",
            case.goal or "",
            VERDICTS[case.holds] if case.goal else "",
        )
    return table
