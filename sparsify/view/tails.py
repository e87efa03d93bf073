"""Text of which the end says most: where there is no room its beginning goes."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text


@dataclass(frozen=True)
class Tail:
    """One line, cut at its beginning: `...attention.self.query.weight`."""

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room, shown = options.max_width, self.text
        if len(shown) > room:
            end = shown[len(shown) - max(room - 3, 0) :]
            shown = f"...{end.partition('.')[2] or end}"[:room]
        yield Text(shown, self.style, no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(12, len(self.text)), len(self.text))
