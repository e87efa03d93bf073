"""The break-even of sparse layers as a table and as a picture, from the kept curves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.case import Case
from benchmarks.pages import keep_picture

SHOWN = (0.5, 0.8, 0.9, 0.97)
"""Sparsities whose speed-ups the table names."""


@dataclass(frozen=True)
class Curve:
    """How many times faster than dense a layer is, by its sparsity."""

    kind: str
    shape: str
    tokens: int
    points: dict[float, float]

    @property
    def break_even(self) -> str:
        """Between which two sparsities it crosses 1, in a straight line, in words."""
        known = sorted(self.points.items())
        if known[0][1] >= 1:
            return f"below {known[0][0]:.0%}"
        for (low, slower), (high, faster) in pairwise(known):
            if slower < 1 <= faster:
                return f"{low + (high - low) * (1 - slower) / (faster - slower):.0%}"
        return "none"


def curves(cases: Iterable[Case]) -> list[Curve]:
    """Cases of `python -m benchmarks curves` by kind, shape and tokens."""
    found: dict[tuple[str, str, int], dict[float, float]] = {}
    for case in cases:
        *kind, shape, tokens, sparsity = case.case.split(", ")
        key = (", ".join(kind), shape, int(tokens.removeprefix("tokens ")))
        found.setdefault(key, {})[float(sparsity.rstrip("%")) / 100] = case.ratio
    return [Curve(*key, points) for key, points in found.items()]


def rows(found: Iterable[Curve]) -> list[tuple[str, ...]]:
    """Kind, shape, tokens, break-even, and the speed-ups at the sparsities that are shown."""
    return [
        (
            each.kind,
            each.shape,
            f"{each.tokens:,}",
            each.break_even,
            *(f"{each.points[sparsity]:.2f}" for sparsity in SHOWN),
        )
        for each in found
    ]


def plot(found: list[Curve], path: Path) -> None:
    """Write a panel for every number of tokens, with a line for every kind and shape."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    counts = sorted({each.tokens for each in found})
    kinds = list(dict.fromkeys(each.kind for each in found))
    shapes = list(dict.fromkeys(each.shape for each in found))
    figure, panels = pyplot.subplots(
        1, len(counts), figsize=(12, 4.2), layout="constrained", sharey=True
    )
    for panel, tokens in zip(panels, counts, strict=True):
        panel.axhline(1, color="0.5", linewidth=1)
        for each in (each for each in found if each.tokens == tokens):
            order = shapes.index(each.shape)
            panel.plot(
                [100 * sparsity for sparsity in each.points],
                list(each.points.values()),
                color=f"C{kinds.index(each.kind)}",
                linestyle=("-", "--", ":")[order % 3],
                label=f"{each.kind}, {each.shape}",
                linewidth=1.2,
            )
        panel.set(xlabel="sparsity (%)", title=f"{tokens:,} token{'s' * (tokens > 1)}")
        panel.set_yscale("log", base=2)
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("times faster than dense, 32 bits")
    panels[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    keep_picture(figure, path, dpi=120)
