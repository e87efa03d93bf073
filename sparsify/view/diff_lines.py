"""Lines of two programs: alike places shown once, side by side where they fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, zip_longest

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from sparsify.compare import Hunk
from sparsify.view.words import plural

NUMBER = re.compile(r"\d+(\.\d+)?")
VALUE = re.compile(r"%\w+")
CALL = re.compile(r" = (\w+)\(")
RUN = 6
"""How many calls of a kind, one after another, are all shown; of more, the first."""
STYLES = {"-": "red", "+": "green", " ": ""}


def hunks_view(hunks: Sequence[Hunk], *, full: bool) -> RenderableType:
    """The places that differ; those that are alike but for numbers are shown once and counted."""
    groups: dict[str, list[Hunk]] = {}
    for place, hunk in enumerate(hunks):
        key = str(place) if full else _outline(hunk)
        groups.setdefault(key, []).append(hunk)
    return Group(*(Place(group[0], len(group) - 1, full=full) for group in groups.values()))


def _outline(hunk: Hunk) -> str:
    """What is alike in places of two layers: calls and weights, but for numbers and values."""
    changed = "\n".join(line for line in hunk.lines if line[0] != " ")
    return NUMBER.sub("#", VALUE.sub("%", changed))


class Place:
    """One place, and how many others are like it."""

    def __init__(self, hunk: Hunk, alike: int, *, full: bool) -> None:
        self.hunk, self.alike = hunk, alike
        self.lines = hunk.lines if full else _shortened(hunk.lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        more = f" and {plural(self.alike, 'place')} like it" if self.alike else ""
        yield Text(f"@@ -{self.hunk.old_line} +{self.hunk.new_line} @@{more}", "cyan")
        half = (options.max_width - 3) // 2
        if all(len(line) - 1 <= half for line in self.lines):
            for old, new in _pairs(self.lines):
                yield _beside(old, new, half)
        else:
            for line in self.lines:
                yield Text(line, STYLES[line[0]], overflow="fold")


def _shortened(lines: Sequence[str]) -> list[str]:
    """The lines, of a long run of one kind of call the first ones and a count."""
    made: list[str] = []
    for (sign, call), group in groupby(lines, key=_sign_and_call):
        run = list(group)
        if call and len(run) > RUN:
            run = [*run[: RUN // 2], f"{sign}... {len(run) - RUN // 2} more calls of {call}"]
        made += run
    return made


def _sign_and_call(line: str) -> tuple[str, str]:
    found = CALL.search(line)
    return line[0], found[1] if found else ""


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Old and new lines beside one another; each still begins with its sign."""
    made: list[tuple[str, str]] = []
    gone: list[str] = []
    come: list[str] = []

    def settle() -> None:
        made.extend(zip_longest(gone, come, fillvalue=""))
        gone.clear()
        come.clear()

    for line in lines:
        if line[0] == " ":
            settle()
            made.append((line, line))
        else:
            (gone if line[0] == "-" else come).append(line)
    settle()
    return made


def _beside(old: str, new: str, half: int) -> Text:
    made = Text(old[1:].ljust(half), STYLES[old[:1] or " "], no_wrap=True)
    mark = "|" if old[:1] == "-" and new[:1] == "+" else "<" if not new else ">" if not old else " "
    return made.append(f" {mark} ", "not red").append(new[1:], STYLES[new[:1] or " "])
