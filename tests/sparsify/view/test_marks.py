from __future__ import annotations

from collections.abc import Callable

import pytest

from sparsify.view.marks import Bar, Sparkline


@pytest.mark.parametrize(
    ("share", "unicode", "plain"),
    [
        (0.0, "", ".........."),
        (0.05, "▌", ".........."),
        (0.9, "█████████", "#########."),
        (1.0, "██████████", "##########"),
        (1.5, "██████████", "##########"),
    ],
)
def test_a_bar_is_as_long_as_its_share(
    rendered: Callable[..., str], share: float, unicode: str, plain: str
) -> None:
    assert rendered(Bar(share)) == unicode
    assert rendered(Bar(share), encoding="ascii") == plain


def test_a_sparkline_goes_from_the_lowest_to_the_highest(rendered: Callable[..., str]) -> None:
    assert rendered(Sparkline([0, 1, 2, 7])) == "▁▂▃█"
    assert rendered(Sparkline([0, 1, 2, 7]), encoding="ascii") == "_.-#"


def test_a_long_series_keeps_its_ends(rendered: Callable[..., str]) -> None:
    line = rendered(Sparkline([*range(100)], width=10))
    assert (len(line), line[0], line[-1]) == (10, "▁", "█")


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0]])
def test_a_series_that_does_not_move_is_flat(
    rendered: Callable[..., str], values: list[float]
) -> None:
    assert rendered(Sparkline(values)) == "▁" * len(values)
