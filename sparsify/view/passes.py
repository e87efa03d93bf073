"""What passes did, one row a pass: a timeline, then deeds, and why candidates were left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.report import PassReport
from sparsify.view.marks import Bar
from sparsify.view.tables import table
from sparsify.view.words import facts, plural, rounded, seconds

WIDTH = 6
"""Of the bar of the longest time."""
DEEDS = 3
"""How many of the things that a pass did stand for all of them."""


def passes_table(passes: Sequence[PassReport]) -> Table:
    """One row a pass, in the order in which they ran: its time, and what it made of the model."""
    right = ("seconds", "nodes", "parameters", "did", "left")
    made = table("pass", "time", *right, right=right)
    made.columns[0].no_wrap = True
    longest = max((each.seconds for each in passes), default=0.0) or 1.0
    for each in passes:
        made.add_row(
            Text(each.tag, "bold"),
            Bar(each.seconds / longest, WIDTH),
            seconds(each.seconds),
            _from_to(*each.nodes),
            _from_to(*each.parameters),
            str(len(each.did)),
            str(len(each.left)),
        )
    return made


def _from_to(before: int, after: int) -> str:
    """`341 to 365`, and one figure where both are the same."""
    return rounded(before) if before == after else f"{rounded(before)} to {rounded(after)}"


def deeds(passes: Sequence[PassReport]) -> Table:
    """The facts of each pass, what it did, and what it left and why; alike ones in one row."""
    made = table("pass", "", "what", right=("",))
    for each in passes:
        rows = [("", Text(facts(each.facts)))] if each.facts else []
        did = Counter(each.did.values()).most_common()
        rows += [(f"did {count}", _told(each.did, deed)) for deed, count in did[:DEEDS]]
        if rest := sum(count for _, count in did[DEEDS:]):
            rows.append((f"did {rest}", Text("other")))
        for reason, count in Counter(each.left.values()).most_common():
            rows.append((f"left {count}", _told(each.left, reason)))
        for number, (count_words, what) in enumerate(rows or [("", Text("nothing", "dim"))]):
            made.add_row(Text("" if number else each.tag, "bold"), count_words, what)
    return made


def passes_view(passes: Sequence[PassReport]) -> RenderableType:
    """The passes, and below them what they did, what they left alone, and why."""
    return Group(passes_table(passes), deeds(passes))


def _told(told: Mapping[str, str], text: str) -> Text:
    """A sentence, and below it the first that it is told of."""
    who = [name for name, words in told.items() if words == text]
    more = f" and {len(who) - 1} more" if len(who) > 1 else ""
    return Text(text).append(f"\n{who[0]}{more}", "dim")


def passed_lines(each: PassReport, room: int | None = None) -> list[str]:
    """One pass as a line of a log; its numbers are another one where there is no `room`."""
    counts = f"{plural(len(each.did), 'change')}, {len(each.left)} left alone"
    line, told = f"{each.tag}: {counts}; {seconds(each.seconds)}", facts(each.facts)
    if not told or room is None or len(line) + 2 + len(told) <= room:
        return [f"{line}; {told}" if told else line]
    return [line, f"  {told}"]
