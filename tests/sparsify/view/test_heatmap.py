from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from expecttest import assert_expected_inline
from rich.console import Console

from sparsify.inspection.mask import density
from sparsify.view.heatmap import RAMP, HeatMap

SMALL = np.array([[1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1]], bool)


def test_a_mask_that_fits_is_drawn_number_by_number(rendered: Callable[..., str]) -> None:
    assert rendered(HeatMap(SMALL, 4)) == "█▄▀\n ▀ ▀"
    assert rendered(HeatMap(SMALL, 4), encoding="ascii") == "#.#.\n##..\n.#.#"


def test_a_larger_one_is_shaded_by_how_full_its_cells_are(rendered: Callable[..., str]) -> None:
    kept = np.zeros((64, 64), bool)
    for place, share in enumerate((0, 1, 2, 4)):
        kept[:, 16 * place : 16 * place + 16] = np.arange(64)[:, None] % 4 < share
    assert_expected_inline(
        rendered(HeatMap(kept, 4), width=16),
        """\
    ░░░░▒▒▒▒████
    ░░░░▒▒▒▒████
    ░░░░▒▒▒▒████
    ░░░░▒▒▒▒████
a cell is 16 x 4
numbers; the
emptiest keeps
0.0%, the
fullest 100.0%""",
    )
    assert_expected_inline(
        rendered(HeatMap(kept, 4), width=16, encoding="ascii"),
        """\
    ----++++@@@@
    ----++++@@@@
    ----++++@@@@
    ----++++@@@@
a cell is 16 x 4
numbers; the
emptiest keeps
0.0%, the
fullest 100.0%""",
    )


@pytest.mark.parametrize("width", [80, 120])
def test_colours_are_those_of_the_density(width: int) -> None:
    kept = np.random.default_rng(0).random((768, 300)) < np.linspace(0, 1, 768)[:, None]
    kept[:40] = False
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=True, color_system="truecolor", _environ={}
    )
    console.print(HeatMap(kept, 10))
    lines = file.getvalue().splitlines()
    assert [line.count("▀") for line in lines] == [width] * 10 + [0]
    grid = density(kept, 20, width)
    level = int(np.ceil(grid[7, 5] / grid.max() * 15))
    colours = lines[3].split("▀")[5]
    assert f"48;2;{';'.join(map(str, mixed(level / 15)))}" in colours
    assert f"38;2;{';'.join(map(str, RAMP[0]))}" in lines[0]


def mixed(share: float) -> list[int]:
    """A colour of the ramp, by numpy."""
    return [round(np.interp(share, [0, 0.5, 1], channel)) for channel in zip(*RAMP, strict=True)]


def test_without_colours_nothing_is_coloured() -> None:
    file = io.StringIO()
    kept = np.random.default_rng(0).random((768, 768)) < np.linspace(0, 1, 768)
    console = Console(file=file, width=80, force_terminal=True, no_color=True, _environ={})
    console.print(HeatMap(kept, 9))
    assert "\x1b[3" not in file.getvalue()
    assert "▓" in file.getvalue()
