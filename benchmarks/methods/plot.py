"""Accuracy against sparsity, a line a method, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.methods.outcome import Outcome
from benchmarks.methods.summary import DEV, HELD_OUT, Line, Spread
from benchmarks.pages import keep_picture

TITLES = {HELD_OUT: "rows held out from train", DEV: "official dev set"}


def plot(lines: Sequence[Line], outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw the mean of every method over its sparsities, with the deviation over seeds.

    Args:
        lines: the means.
        outcomes: the runs that they are of; at least one.
        path: the PNG file.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(line.method for line in lines))
    styles = dict(zip(names, _styles(len(names)), strict=True))
    figure, panels = pyplot.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    for panel, (rows, title) in zip(panels, TITLES.items(), strict=True):
        dense = Spread.of([each.dense_score(rows) for each in outcomes]).mean
        panel.axhline(dense, color="0.5", linewidth=1, label="dense")
        for name in names:
            own = [line for line in lines if line.method == name]
            scores = [line.score(rows) for line in own]
            panel.errorbar(
                [100 * (line.zeros() or line.sparsity) for line in own],
                [score.mean for score in scores],
                [score.deviation or 0 for score in scores],
                label=name,
                capsize=2,
                markersize=5,
                linewidth=1.2,
                **styles[name],
            )
        panel.set(xlabel="sparsity (%)", ylabel=outcomes[0].main, title=title)
        panel.grid(alpha=0.3)
    panels[-1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    keep_picture(figure, path, dpi=110)


def _styles(count: int) -> list[dict[str, str]]:
    """A colour and a marker each; a colour comes back with another marker."""
    markers = "os^vDPX"
    return [{"color": f"C{n % 10}", "marker": markers[n % len(markers)]} for n in range(count)]
