"""Where the zeros of a weight lie, drawn in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from sparsify.inspection.mask import Kept, density
from sparsify.view.words import percent

HALVES = " ▄▀█"
"""Neither half of a character, the lower, the upper, both."""
SHADES, ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
RAMP = ((16, 24, 44), (0, 140, 160), (255, 224, 102))
"""Colours of a cell from all zero to the fullest, red, green and blue."""
LEVELS = 16
FULL_COLOURS = ("256", "truecolor")


@dataclass(frozen=True)
class HeatMap:
    """A mask as it is where it fits, else a grid of cells, the brighter the fuller.

    With many colours a character holds two cells, one above the other; without, one.
    """

    kept: Kept
    """bool[rows, columns]."""
    lines: int
    """At most."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows, columns = self.kept.shape
        most = self.lines if options.ascii_only else 2 * self.lines
        if columns <= options.max_width and rows <= most:
            yield from _exact(self.kept, options)
            return
        halved = not options.ascii_only and console.color_system in FULL_COLOURS
        grid = density(self.kept, *self._cells(options.max_width, halved and not console.no_color))
        highest = float(grid.max()) or 1.0
        if halved and not console.no_color:
            yield from _coloured(grid / highest)
        else:
            yield from _shaded(grid / highest, options)
        yield _legend(self.kept, grid)

    def _cells(self, width: int, halved: bool) -> tuple[int, int]:
        """Rows and columns of the grid: about as high as wide, for a character is twice so."""
        rows, columns = self.kept.shape
        across = min(columns, width)
        down = max(1, round(rows * across / columns) // (1 if halved else 2))
        return min(rows, down, self.lines * (2 if halved else 1)), across


def _exact(kept: Kept, options: ConsoleOptions) -> Iterator[Text]:
    """Every number of the mask, two rows a line where there are half blocks."""
    if options.ascii_only:
        for row in kept:
            yield _line("".join("#" if each else "." for each in row))
        return
    for upper, lower in _pairs(kept):
        yield _line("".join(HALVES[2 * a + b] for a, b in zip(upper, lower, strict=True)))


def _shaded(grid: NDArray[np.float64], options: ConsoleOptions) -> Iterator[Text]:
    shades = ASCII_SHADES if options.ascii_only else SHADES
    for row in _levels(grid, len(shades)):
        yield _line("".join(shades[level] for level in row))


def _coloured(grid: NDArray[np.float64]) -> Iterator[Text]:
    colours = [_colour(level / (LEVELS - 1)) for level in range(LEVELS)]
    for upper, lower in _pairs(_levels(grid, LEVELS)):
        text = _line("")
        for a, b in zip(upper, lower, strict=True):
            text.append(HALVES[2], Style(color=colours[a], bgcolor=colours[b]))
        yield text


def _levels(grid: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Shares of the fullest cell as whole numbers below `count`; only an empty cell is 0."""
    return np.ceil(grid * (count - 1)).astype(np.int64)


def _pairs(rows: NDArray[np.generic]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Two rows at a time; an odd one has nothing below it."""
    whole = np.vstack([rows, np.zeros((len(rows) % 2, rows.shape[1]), rows.dtype)])
    yield from zip(whole[::2].astype(np.int64), whole[1::2].astype(np.int64), strict=True)


def _colour(share: float) -> Color:
    place = share * (len(RAMP) - 1)
    low = min(int(place), len(RAMP) - 2)
    mixed = (a + (b - a) * (place - low) for a, b in zip(RAMP[low], RAMP[low + 1], strict=True))
    red, green, blue = (round(each) for each in mixed)
    return Color.from_rgb(red, green, blue)


def _legend(kept: Kept, grid: NDArray[np.float64]) -> Text:
    height, width = (size / cells for size, cells in zip(kept.shape, grid.shape, strict=True))
    return Text(
        f"a cell is {height:.3g} x {width:.3g} numbers; the emptiest keeps {percent(grid.min())}, "
        f"the fullest {percent(grid.max())}",
        "dim",
    )


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ignore")
