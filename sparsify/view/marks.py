"""Small drawings that fit a table cell, in ASCII where the terminal knows no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

STEPS = "▁▂▃▄▅▆▇█"
ASCII_STEPS = "_.-~=+*#"
PARTS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Bar:
    """A share of 1 as a horizontal bar."""

    share: float
    width: int = 10
    style: str = "cyan"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        share = min(max(self.share, 0.0), 1.0)
        if options.ascii_only:
            full = round(share * self.width)
            yield Text("#" * full + "." * (self.width - full), self.style, no_wrap=True)
            return
        full, part = divmod(round(share * self.width * 8), 8)
        drawn = PARTS[8] * full + (PARTS[part] if part else "")
        yield Text(drawn.ljust(self.width), self.style, no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)


@dataclass(frozen=True)
class Sparkline:
    """A series as a row of small columns, one a value, between its lowest and its highest."""

    values: Sequence[float]
    width: int = 24
    style: str = "cyan"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        steps = ASCII_STEPS if options.ascii_only else STEPS
        shown = self._thinned()
        low, high = min(shown, default=0.0), max(shown, default=0.0)
        scale = (len(steps) - 1) / (high - low) if high > low else 0.0
        drawn = "".join(steps[round((value - low) * scale)] for value in shown)
        yield Text(drawn, self.style, no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        length = len(self._thinned())
        return Measurement(length, length)

    def _thinned(self) -> list[float]:
        """At most `width` values, evenly spread, the first and the last among them."""
        values = list(self.values)
        if len(values) <= self.width:
            return values
        gap = (len(values) - 1) / (self.width - 1)
        return [values[round(i * gap)] for i in range(self.width)]


@dataclass(frozen=True)
class Columns:
    """A series as columns of several lines, from zero to the highest."""

    values: Sequence[float]
    height: int
    style: str = "cyan"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts = " #" if options.ascii_only else f" {STEPS}"
        levels = len(parts) - 1
        highest = max(self.values, default=0) or 1
        filled = [math.ceil(value / highest * self.height * levels) for value in self.values]
        for line in reversed(range(self.height)):
            drawn = (parts[min(max(each - line * levels, 0), levels)] for each in filled)
            yield Text("".join(drawn), self.style, no_wrap=True, overflow="ignore")
