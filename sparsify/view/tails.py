"""Text of which the end says most: where there is no room its beginning goes."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text


def tail(text: str, room: int) -> str:
    """`text`, or as much of its end as fits: `...attention.self.query.weight`."""
    if len(text) <= room:
        return text
    end = text[len(text) - max(room - 3, 0) :]
    return f"...{end.partition('.')[2] or end}"[:room]


@dataclass(frozen=True)
class Tail:
    """One line, cut at its beginning: `...attention.self.query.weight`."""

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = tail(self.text, options.max_width)
        yield Text(shown, self.style, no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(12, len(self.text)), len(self.text))
