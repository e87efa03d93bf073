"""Break-evens read off curves, and their table."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.break_even import Curve, curves, plot, rows
from benchmarks.case import Case

POINTS = {0.5: 0.8, 0.8: 1.8, 0.9: 3.0, 0.97: 6.0}


def line(sparsity: float, ratio: float) -> Case:
    return Case(
        bench="curves", case=f"blocks 1x4, int8, 768x3072, tokens 1024, {sparsity:.0%}", value=1.0,
        unit="ms", baseline=ratio, ratio=ratio, goal=None, holds=None, says="", pairs=1, threads=1,
    )  # fmt: skip


def test_the_break_even_lies_on_the_line_between_two_points() -> None:
    (found,) = curves(line(*point) for point in POINTS.items())
    assert (found.kind, found.shape, found.tokens) == ("blocks 1x4, int8", "768x3072", 1024)
    row = ("blocks 1x4, int8", "768x3072", "1,024", "56%", "0.80", "1.80", "3.00", "6.00")
    assert rows([found]) == [row]


@pytest.mark.parametrize(
    ("points", "words"), [({0.3: 1.1, 0.5: 2.0}, "below 30%"), ({0.3: 0.2, 0.99: 0.9}, "none")]
)
def test_a_curve_need_not_cross(points: dict[float, float], words: str) -> None:
    assert Curve("unstructured", "64x64", 1, points).break_even == words


def test_the_same_numbers_make_the_same_picture(tmp_path: Path) -> None:
    found = [Curve("unstructured", "64x64", tokens, POINTS) for tokens in (1, 128)]
    for name in ("a.png", "b.png"):
        plot(found, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
