"""A line for each thing that differs, with a bar of what went and came, as version control does."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from sparsify.compare import Change, Comparison, Section
from sparsify.compare.changes import WHOLE
from sparsify.view.diff import NEW, OLD, heading, total, words
from sparsify.view.tails import tail
from sparsify.view.words import percent, rounded

BAR = 20
"""The longest bar."""


def stat_view(found: Comparison) -> RenderableType:
    """One line a thing, and the totals."""
    sections = [each for each in found.sections if each.changes and each.name != "lines"]
    lines = [Lines(each) for each in sections]
    return Group(heading(found), *lines, Text(total(found), "bold"))


class Lines:
    """The lines of a section: name, how much, bar."""

    def __init__(self, section: Section) -> None:
        self.section = section

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        changes = self.section.changes
        if self.section.unit in WHOLE:
            width = min(max(len(each.name) for each in changes), options.max_width // 2)
            for each in changes:
                sides = (words(side) or "none" for side in (each.old, each.new))
                yield Text(f" {each.name:<{width}} | {' -> '.join(sides)}", overflow="fold")
            return
        counts = [rounded(round(change.gone + change.come)) for change in changes]
        digits = max(map(len, counts))
        longest = max(change.gone + change.come for change in changes) or 1
        room = options.max_width - BAR - digits - 6
        width = min(max(len(change.name) for change in changes), room)
        for change, count in zip(changes, counts, strict=True):
            told = count if change.gone or change.come else ""
            line = Text(f" {tail(change.name, width):<{width}} | {told:>{digits}} ", no_wrap=True)
            yield line.append(_bar(change, longest))


def _bar(change: Change, longest: float) -> Text:
    """`+++---`; what differs has one sign at least, and what moved is told."""
    share = BAR / longest if longest > BAR else 1
    come, gone = (max(1, round(each * share)) if each else 0 for each in (change.come, change.gone))
    if come + gone > BAR:
        come, gone = (come - 1, gone) if come > gone else (come, gone - 1)
    if not come and not gone:
        moved = (change.new or {}).get("moved_fraction")
        return Text(f"~ {percent(moved)} moved" if moved else "~")
    return Text("+" * come, NEW).append("-" * gone, OLD)
