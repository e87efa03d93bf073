"""Line charts in the terminal: braille dots, or one letter a line where there is only ASCII."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from sparsify.view.axes import Axis, linear, logarithmic, spread
from sparsify.view.lines import Line, dots
from sparsify.view.words import number, percent

BLANK = 0x2800
"""The braille pattern without dots; each dot adds the bit of its place."""
BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of the dot in each of 4 rows and 2 columns."""
LETTERS = "*o+x#@%&"
DASHES = ((1, 0), (6, 3), (1, 2), (3, 2))
"""Dots drawn and left out, line by line, where colours cannot tell lines apart."""
NARROWEST = 10
"""Columns of the plot itself, however little room there is."""


@dataclass(frozen=True)
class Chart:
    """Lines over one axis of steps, as wide as there is room.

    Args:
        title: what the lines show.
        lines: at least one, of one unit.
        unit: `%` for shares of 1.
        height: rows of the plot; three more hold the title and the axis of steps.
        log: whether equal distances are equal ratios; values must be positive.
        ends: the first and the last step, where the axis shall reach further than the lines.
        axis: what the steps are.
    """

    title: str
    lines: Sequence[Line]
    unit: str = ""
    height: int = 8
    log: bool = False
    ends: tuple[float, float] | None = None
    axis: str = "steps"

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(40, options.max_width), options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = self.known
        if not lines:
            return
        letters = cycle(LETTERS if options.ascii_only else " ")
        up = self.up()
        ends = [self._end(line, letter) for line, letter in zip(lines, letters, strict=False)]
        left = max(map(cell_len, up.labels))
        right = max(map(cell_len, ends))
        width = max(NARROWEST, options.max_width - left - 2 - right - 1)
        across = self.across(max(2, min(7, width // 9)))
        rows = max(self.height, len(lines))
        if options.ascii_only:
            drawn = _letters(lines, across, up, width, rows)
        else:
            plain = console.no_color or console.color_system is None
            drawn = _braille(lines, across, up, width, rows, plain)
        yield Text(self.title, "bold")
        tick, corner, rule, flat = "++|-" if options.ascii_only else "┤└│─"
        marks = {round(row): label for row, label in _heights(up, rows)}
        names = dict(zip(_apart(lines, up, rows), zip(ends, lines, strict=True), strict=True))
        for row, plot in enumerate(drawn):
            text = Text(f"{marks.get(row, ''):>{left}} ", "dim", no_wrap=True, overflow="crop")
            text.append(tick if row in marks else rule).append_text(plot)
            if row in names:
                text.append(f" {names[row][0]}", names[row][1].style)
            yield text
        yield Text(f"{'':{left}} {corner}{flat * width}", "dim", no_wrap=True, overflow="crop")
        yield Text(" " * (left + 1) + _ruler(across, width, right, self.axis), "dim", no_wrap=True)

    @property
    def known(self) -> list[Line]:
        """The lines that have a point."""
        return [line for line in self.lines if line.points()[0].size]

    def up(self) -> Axis:
        """The axis of the values."""
        values = [float(value) for line in self.known for value in line.points()[1]]
        if self.log:
            return logarithmic(values, self.unit)
        return linear(values, self.unit, max(2, min(5, self.height // 2 + 1)))

    def across(self, most: int) -> Axis:
        """The axis of the steps, with at most `most` ticks."""
        steps = [float(step) for line in self.known for step in line.points()[0]]
        return linear([*steps, *(self.ends or ())], most=most, exact=True)

    def figure(self, value: float) -> str:
        """A value with its unit."""
        return percent(value) if self.unit == "%" else number(float(f"{value:.3g}"))

    def _end(self, line: Line, letter: str) -> str:
        """What stands behind a line: its name and its last value."""
        return f"{letter} {line.name} {self.figure(float(line.points()[1][-1]))}".strip()


def _braille(
    lines: Sequence[Line], across: Axis, up: Axis, width: int, rows: int, plain: bool
) -> list[Text]:
    """Rows of text; where lines meet, the first of them gives the cell its colour."""
    codes = np.full((rows, width), 0)
    styles = np.full((rows, width), "", object)
    for index, line in reversed(list(enumerate(lines))):
        grid = dots(line, across, up, 2 * width, 4 * rows)
        drawn, left_out = DASHES[2] if line.dotted else DASHES[index % 4 if plain else 0]
        grid &= np.arange(2 * width) % (drawn + left_out) < drawn
        cells = (grid.reshape(rows, 4, width, 2) * BITS[:, None, :]).sum(axis=(1, 3))
        codes |= cells
        styles[cells > 0] = line.style
    return _texts(codes, styles, lambda code: chr(BLANK + code) if code else " ")


def _letters(lines: Sequence[Line], across: Axis, up: Axis, width: int, rows: int) -> list[Text]:
    codes = np.full((rows, width), -1)
    styles = np.full((rows, width), "", object)
    for index, line in reversed(list(enumerate(lines))):
        grid = dots(line, across, up, width, rows)
        grid &= np.arange(width) % (3 if line.dotted else 1) == 0
        codes[grid], styles[grid] = index % len(LETTERS), line.style
    return _texts(codes, styles, lambda code: " " if code < 0 else LETTERS[code])


def _texts(
    codes: NDArray[np.int_], styles: NDArray[np.object_], letter: Callable[[int], str]
) -> list[Text]:
    return [
        Text.assemble(*((letter(int(c)), str(s)) for c, s in zip(*row, strict=True)), no_wrap=True)
        for row in zip(codes, styles, strict=True)
    ]


def _heights(up: Axis, rows: int) -> Iterator[tuple[float, str]]:
    """The row of each tick."""
    for share, label in zip(up.shares(up.ticks), up.labels, strict=True):
        yield (1 - float(share)) * (rows - 1), label


def _apart(lines: Sequence[Line], up: Axis, rows: int) -> list[int]:
    """A row for the name of each line, near its end, no two in one."""
    ends = [(1 - float(up.shares(line.points()[1][-1]))) * (rows - 1) for line in lines]
    return [round(row) for row in spread(map(round, ends), 1, 0, rows - 1)]


def _ruler(across: Axis, width: int, room: int, what: str) -> str:
    """The steps below the axis, and what they are."""
    row = [" "] * (width + room + 2)
    for share, label in zip(across.shares(across.ticks), across.labels, strict=True):
        middle = 1 + round(float(share) * (width - 1))
        start = min(max(0, middle - len(label) // 2), len(row) - len(label))
        row[start : start + len(label)] = label
    text = "".join(row).rstrip()
    ending = what if what.startswith("%") else f" {what}"
    return text + ending if len(text) + len(ending) <= len(row) else text
