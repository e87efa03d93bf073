"""Charts show the numbers that they were given: compared dot for dot with numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from expecttest import assert_expected_inline
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sparsify.view.axes import linear
from sparsify.view.charts import BITS, BLANK, Chart
from sparsify.view.lines import Line, dots

STEPS = np.arange(4, 601, 4)
SCHEDULE = 0.9 * (1 - np.clip(1 - (STEPS - 60) / 390, 0, 1) ** 3).clip(0)
LOSSES = (
    Line("task", STEPS, 0.02 + 0.5 * np.exp(-STEPS / 100), "cyan"),
    Line("distill", STEPS, 0.4 + 0.2 * np.sin(STEPS / 90) * np.exp(-STEPS / 300), "magenta"),
)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(-5, 5)), min_size=1, max_size=40),
    st.integers(1, 90),
    st.integers(1, 40),
)
def test_dots_are_where_numpy_puts_them(
    pairs: list[tuple[int, float]], columns: int, rows: int
) -> None:
    steps, values = np.cumsum([gap for gap, _ in pairs]), np.array([value for _, value in pairs])
    across, up = linear([0, *steps], exact=True), linear(values)
    grid = dots(Line("", steps, values), across, up, columns, rows)
    x = (steps - across.low) / (across.high - across.low) * (columns - 1)
    y = (1 - (values - up.low) / (up.high - up.low)) * (rows - 1)
    assert grid[np.rint(y).astype(int), np.rint(x).astype(int)].all()
    used = np.flatnonzero(grid.any(axis=0))
    assert used.tolist() == list(range(round(x[0]), round(x[-1]) + 1))
    for column in used:
        drawn = np.flatnonzero(grid[:, column])
        assert drawn.tolist() == list(range(drawn[0], drawn[-1] + 1))
        middle = np.interp(np.clip(column, x[0], x[-1]), x, y)
        assert drawn[0] - 0.5 <= middle + 1e-9
        assert middle - 1e-9 <= drawn[-1] + 0.5


@pytest.mark.parametrize("width", [80, 120])
def test_what_is_printed_is_the_dots(rendered: Callable[..., str], width: int) -> None:
    line = LOSSES[0]
    printed = rendered(Chart("loss", [line], height=6), width).splitlines()
    assert all(len(row) <= width for row in printed)
    plot = [row.partition("│")[2] or row.partition("┤")[2] for row in printed[1:7]]
    count = len(printed[7].strip()) - 1
    cells = np.array([[ord(c) for c in row[:count].ljust(count)] for row in plot])
    codes = np.where(cells == ord(" "), 0, cells - BLANK)
    found = (codes[:, None, :, None] & BITS[:, None, :] > 0).reshape(24, 2 * count)
    across = linear(STEPS, exact=True)
    np.testing.assert_array_equal(found, dots(line, across, linear(line.values), 2 * count, 24))


def test_two_losses(rendered: Callable[..., str]) -> None:
    assert (
        rendered(Chart("loss by term", LOSSES))
        == """\
loss by term
0.6 ┤
    │⢦⡀⢀ ⠠⠖⠒⠃ ⠉⠉⠉ ⠈⠉⠉⠁ ⠒⠦⠤ ⢀⡀
0.4 ┤⠴⠛⢯⡀                   ⠉⠉⠃ ⠦⠤⣄ ⢀⡀                   ⡀ ⣀⣀⣀ ⠠⠤⠤⠄ distill 0.41
    │   ⠙⠦⣄                          ⠉⠉⠁ ⠒⠒⠒ ⠐⠒⠒⠂ ⠒⠚⠉ ⠈⠉⠉⠁
    │     ⠈⠙⠦⣄⡀
0.2 ┤         ⠉⠓⠦⢤⣀⡀
    │              ⠉⠙⠒⠲⠤⠤⢤⣀⣀⣀⡀
0.0 ┤                        ⠉⠉⠉⠉⠉⠓⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠦⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤ task 0.0212
    └──────────────────────────────────────────────────────────────
                        200                  400                 600 steps"""
    )


def test_without_more_than_ascii(rendered: Callable[..., str]) -> None:
    zeros = Line("zeros", STEPS, SCHEDULE)
    planned = Line("planned", STEPS, SCHEDULE, dotted=True)
    chart = Chart("zeros against their schedule", [zeros, planned], "%", 6, ends=(0, 600))
    assert_expected_inline(
        rendered(chart, encoding="ascii"),
        """\
zeros against their schedule
100% +                                           *************** * zeros 90.0%
     |                    ************************               o planned 90.0%
 50% +              *******
     |          *****
     |       ****
  0% +********
     +----------------------------------------------------------
      0                 200                400                600 steps""",
    )


def test_equal_ratios_on_a_wide_terminal(rendered: Callable[..., str]) -> None:
    rate = Line("rate", STEPS, 10.0 ** (-3 * STEPS / 600))
    assert (
        rendered(Chart("learning rate", [rate], height=4, log=True), width=96)
        == """\
learning rate
    1 ┤⠉⠉⠓⠒⠒⠒⠒⠲⠤⠤⠤⠤⢤⣀⣀⣀⣀⣀
  0.1 ┤                 ⠈⠉⠉⠉⠉⠉⠓⠒⠒⠒⠒⠦⠤⠤⠤⠤⢤⣀⣀⣀⣀⣀
 0.01 ┤                                      ⠈⠉⠉⠉⠉⠙⠒⠒⠒⠒⠒⠦⠤⠤⠤⠤⣄⣀⣀⣀⣀⣀
0.001 ┤                                                           ⠈⠉⠉⠉⠉⠙⠒⠒⠒⠒⠲⠤⠤⠤⠤⠤⣄⣀⣀ rate 0.001
      └──────────────────────────────────────────────────────────────────────────────
                  100          200          300          400          500          600 steps"""
    )


def test_names_of_lines_that_end_together_stay_apart(rendered: Callable[..., str]) -> None:
    lines = [Line(name, [0, 1], [0.0, 1.0]) for name in "abc"]
    printed = rendered(Chart("x", lines, height=2)).splitlines()
    assert [row.split()[-2:] for row in printed[1:4]] == [["a", "1"], ["b", "1"], ["c", "1"]]


def test_what_is_not_finite_is_left_out_and_nothing_is_no_chart(
    rendered: Callable[..., str],
) -> None:
    nothing: NDArray[np.float64] = np.array([np.nan, np.inf])
    assert rendered(Chart("x", [Line("a", [1, 2], nothing)])) == ""
    shown = rendered(Chart("x", [Line("a", [1, 2, 3], [0.5, np.nan, 0.7]), Line("b", [], [])]))
    assert "a 0.7" in shown
    assert "b" not in shown
