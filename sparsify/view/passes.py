"""What passes did: one row a pass, and why candidates were left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.report import PassReport
from sparsify.view.tables import table
from sparsify.view.words import facts, plural, seconds

NAMES, DEEDS = 2, 3
"""How many names stand for all that share a text, and how many texts for all of a pass."""


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


def deeds(passes: Sequence[PassReport]) -> RenderableType:
    """What passes did: one row a pass and deed, the most frequent first, at most `DEEDS` a pass."""
    made = table("pass", "did", "what", "such as", right=("did",))
    for each in passes:
        told = Counter(each.did.values()).most_common()
        for deed, count in told[:DEEDS]:
            made.add_row(each.tag, str(count), Text(deed), _such_as(each.did, deed))
        if rest := sum(count for _, count in told[DEEDS:]):
            made.add_row(each.tag, str(rest), Text("other"), "")
    return made if made.row_count else Text("no pass changed anything")


def left_reasons(passes: Sequence[PassReport]) -> RenderableType:
    """Why passes left candidates alone: one row a pass and reason, the most frequent first."""
    made = table("pass", "left", "why", "such as", right=("left",))
    for each in passes:
        for reason, count in Counter(each.left.values()).most_common():
            made.add_row(each.tag, str(count), Text(reason), _such_as(each.left, reason))
    return made if made.row_count else Text("no candidate was left alone")


def passes_view(passes: Sequence[PassReport]) -> RenderableType:
    """The passes, and below them what they did, and why candidates were left alone, if any was."""
    parts = [passes_table(passes), deeds(passes)]
    if any(each.left for each in passes):
        parts.append(left_reasons(passes))
    return Group(*parts)


def _such_as(told: Mapping[str, str], text: str) -> Text:
    """The first names that `text` is told of."""
    who = [name for name, words in told.items() if words == text]
    more = f" and {len(who) - NAMES} more" if len(who) > NAMES else ""
    return Text(", ".join(who[:NAMES]) + more)


def passed_line(each: PassReport) -> str:
    """One pass as a line of a log."""
    parts = [f"{plural(len(each.did), 'change')}, {len(each.left)} left alone"]
    parts += [facts(each.facts)] if each.facts else []
    return f"{each.tag}: {'; '.join(parts)}; {seconds(each.seconds)}"
