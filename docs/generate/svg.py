"""Pictures as plain SVG: grids of numbers, and curves; legible on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CELL, GAP, LABEL = 9, 26, 18
STYLE = (
    "<style>text{font:12px sans-serif;fill:#808790}.axis{stroke:#808790;stroke-width:1}"
    ".curve{fill:none;stroke:#2f81c7;stroke-width:2}.on{fill:#2f81c7}.off{fill:#808790;opacity:.13}"
    "</style>"
)


def grids(named: Sequence[tuple[str, np.ndarray]]) -> str:
    """Matrices side by side: a number in [0, 1] is a cell's depth of colour, 0 is empty."""
    parts, left, height = [], 0, 0
    for name, matrix in named:
        rows, columns = matrix.shape
        parts.append(f'<text x="{left}" y="12">{name}</text>')
        parts += [
            _cell(left + column * CELL, LABEL + row * CELL, float(matrix[row, column]))
            for row in range(rows)
            for column in range(columns)
        ]
        left += max(columns * CELL, 7 * len(name)) + GAP
        height = max(height, LABEL + rows * CELL)
    return _drawing(left - GAP, height, parts)


def curve(xs: np.ndarray, ys: np.ndarray, across: str, up: str) -> str:
    """One line over its axes, which are told in words with the ends of their scales."""
    width, height, edge = 380, 170, 34
    x = edge + (xs - xs.min()) / (np.ptp(xs) or 1) * width
    y = LABEL + height - (ys - ys.min()) / (np.ptp(ys) or 1) * height
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    foot = LABEL + height
    parts = [
        f'<line class="axis" x1="{edge}" y1="{foot}" x2="{edge + width}" y2="{foot}"/>',
        f'<line class="axis" x1="{edge}" y1="{LABEL}" x2="{edge}" y2="{foot}"/>',
        f'<polyline class="curve" points="{points}"/>',
        f'<text x="{edge}" y="12">{up}</text>',
        f'<text x="2" y="{LABEL + 10}">{ys.max():.3g}</text>',
        f'<text x="2" y="{foot}">{ys.min():.3g}</text>',
        f'<text x="{edge}" y="{foot + 16}">{xs.min():g}</text>',
        f'<text x="{edge + width}" y="{foot + 16}" text-anchor="end">{xs.max():g}</text>',
        f'<text x="{edge + width / 2}" y="{foot + 16}" text-anchor="middle">{across}</text>',
    ]
    return _drawing(edge + width + 6, foot + 22, parts)


def _cell(x: int, y: int, depth: float) -> str:
    size = CELL - 1
    if depth <= 0:
        return f'<rect class="off" x="{x}" y="{y}" width="{size}" height="{size}"/>'
    shade = 0.2 + 0.8 * min(depth, 1.0)
    return (
        f'<rect class="on" x="{x}" y="{y}" width="{size}" height="{size}" opacity="{shade:.2f}"/>'
    )


def _drawing(width: float, height: float, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{STYLE}{"".join(parts)}</svg>\n'
