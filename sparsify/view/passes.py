"""What passes did: one row a pass, and why candidates were left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.report import PassReport
from sparsify.view.tables import table
from sparsify.view.words import facts, plural, seconds


def passes_table(passes: Sequence[PassReport]) -> Table:
    """One row a pass, in the order in which they ran: what it touched, its numbers, its time."""
    made = table(
        "pass", "did", "left", "nodes", "time", "facts", right=("did", "left", "nodes", "time")
    )
    for each in passes:
        before, after = each.nodes
        made.add_row(
            Text(each.tag, "bold"),
            str(len(each.did)),
            str(len(each.left)),
            f"{after - before:+d}" if after != before else "",
            seconds(each.seconds),
            Text(facts(each.facts)),
        )
    return made


def left_reasons(passes: Sequence[PassReport], *, names: int = 2) -> RenderableType:
    """Why passes left candidates alone: one row a pass and reason, the most frequent first."""
    made = table("pass", "left", "why", "such as", right=("left",))
    for each in passes:
        for reason, count in Counter(each.left.values()).most_common():
            who = [name for name, why in each.left.items() if why == reason]
            more = f" and {count - names} more" if count > names else ""
            made.add_row(each.tag, str(count), Text(reason), Text(", ".join(who[:names]) + more))
    return made if made.row_count else Text("no candidate was left alone")


def passes_view(passes: Sequence[PassReport]) -> RenderableType:
    """The passes, and below them why candidates were left alone, where any was."""
    if not any(each.left for each in passes):
        return passes_table(passes)
    return Group(passes_table(passes), left_reasons(passes))


def passed_line(each: PassReport) -> str:
    """One pass as a line of a log."""
    parts = [f"{plural(len(each.did), 'change')}, {len(each.left)} left alone"]
    parts += [facts(each.facts)] if each.facts else []
    return f"{each.tag}: {'; '.join(parts)}; {seconds(each.seconds)}"
