"""The forms as a table, and as a picture: accuracy against latency, dots as large as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.methods.summary import DEV, HELD_OUT
from benchmarks.pages import keep_picture

HEAD = (
    "form", "how", "held out", "dev", "file, MB", "gzip, MB", "batch 1, ms", "faster",
    "batch 8, ms", "faster",
)  # fmt: skip


def rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line a form, from the kept result."""
    return [
        (
            each["name"],
            each["says"],
            f"{each['scores'][HELD_OUT]:.4f}",
            f"{each['scores'][DEV]:.4f}",
            f"{each['size_bytes'] / 1e6:.1f}",
            f"{each['gzip_bytes'] / 1e6:.1f}",
            *(cell for batch in ("1", "8")
              for cell in (f"{each['latency_ms'][batch]:.2f}", f"{each['faster'][batch]:.2f}")),
        )
        for each in found["forms"]
    ]  # fmt: skip


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw the accuracy on held-out rows against the latency at batch 1, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(8.5, 4.8), layout="constrained")
    for number, each in enumerate(found["forms"]):
        place = (each["latency_ms"]["1"], each["scores"][HELD_OUT])
        panel.scatter(*place, s=each["size_bytes"] / 1e6 * 3, color=f"C{number % 10}", alpha=0.7)
        panel.annotate(each["name"], place, xytext=(7, 4), textcoords="offset points", fontsize=8)
    panel.set(
        xscale="log",
        xlabel=f"latency, ms (batch 1, {found['sequence']} tokens, {found['threads']} thread)",
        ylabel="held-out rows",
        title=f"{found['task']}: accuracy, latency and size of the file (area)",
    )
    panel.grid(alpha=0.3, which="both")
    keep_picture(figure, path, dpi=110)
