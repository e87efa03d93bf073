"""How fast ONNX files run, beside one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rich.console import Group, RenderableType
from rich.text import Text

from sparsify.report import Latency
from sparsify.view.marks import Bar
from sparsify.view.tables import table
from sparsify.view.words import milliseconds, percent, plural, size

SAME = (0.9, 1.1)
"""Ratios between these are no difference that a user would notice or should build on."""
DENSE_SPEED = (
    "stock ONNX Runtime runs zeros at dense speed: this file is sparse, not faster, until its "
    "weights are stored for sparse kernels or whole rows and heads are removed"
)


SPARSE_SPEED = (
    "the sparse kernels ran, but too few weights are sparse enough, or the model is too small, for "
    "them to make a difference"
)


def ratio_words(ratio: float) -> str:
    """`2.1x as fast`, `same speed`, or `1.6x slower`."""
    if SAME[0] <= ratio <= SAME[1]:
        return f"{ratio:.2f}x, same speed"
    return f"{ratio:.2f}x as fast" if ratio > 1 else f"{1 / ratio:.2f}x slower"


def setting(latency: Latency) -> str:
    """What was asked of the file: `batch 1, sequence 128, 2 threads`."""
    sizes = {"batch": latency.batch, "sequence": latency.sequence, **latency.sizes}
    said = [f"{name} {size}" for name, size in sizes.items()]
    return ", ".join([*said, plural(latency.threads, "thread")])


def short_setting(latency: Latency) -> str:
    """The same where there is little room: `1 x 128 tokens, 2 threads`."""
    other = [f"{name} {size}" for name, size in latency.sizes.items()]
    sizes = f"{latency.batch} x {latency.sequence} tokens"
    return ", ".join([sizes, *other, plural(latency.threads, "thread")])


def pairs(latencies: Sequence[Latency]) -> list[tuple[Latency, Latency]]:
    """For each setting, the first two files: dense and sparse."""
    found = []
    for name in dict.fromkeys(map(setting, latencies)):
        rows = [latency for latency in latencies if setting(latency) == name]
        if len(rows) > 1:
            found.append((rows[0], rows[1]))
    return found


def latency_table(latencies: Sequence[Latency], missing: str = "") -> RenderableType:
    """One table a setting, one row a file; the ratio is to the first file.

    Args:
        latencies: the rows.
        missing: why there are no sparse kernels, said below.
    """
    parts: list[RenderableType] = []
    names = _names(latencies)
    for name in dict.fromkeys(map(setting, latencies)):
        rows = [latency for latency in latencies if setting(latency) == name]
        right = ("median", "spread", "against the first")
        made = table("file", "median", "", *right[1:], right=right, title=name)
        slowest = max(row.median_ms for row in rows)
        for number, row in enumerate(rows):
            made.add_row(
                Text(names[row.file]),
                milliseconds(row.median_ms),
                Bar(row.median_ms / slowest),
                milliseconds(row.spread_ms),
                ratio_words(row.ratio) if number else "",
            )
        parts.append(made)
    files = {row.file: row for row in latencies if row.kernels}
    return Group(*parts, *_files(files, names), *([Text(missing)] if missing else []))


def _names(rows: Sequence[Latency]) -> dict[str, str]:
    """File -> what it is called beside the others: without the folder that all of them share."""
    folders = {row.file: PurePath(row.file).parent for row in rows}
    shared = len(folders) > 1 and len(set(folders.values())) == 1
    return {file: PurePath(file).name if shared else file for file in folders}


def _files(rows: Mapping[str, Latency], names: Mapping[str, str]) -> list[RenderableType]:
    """What each file weighs, also against the first, and what it runs on."""
    if not rows:
        return []
    made = table(
        "file", "kernels", "size", "gzipped", "load", "memory", "peak",
        right=("size", "gzipped", "load", "memory", "peak"), title="files",
    )  # fmt: skip
    first = next(iter(rows.values()))
    for file, row in rows.items():
        share = "" if row is first else f", {percent(row.size_bytes / first.size_bytes, 0)}"
        made.add_row(
            Text(names[file]),
            row.kernels,
            size(row.size_bytes) + share,
            size(row.gzip_bytes),
            milliseconds(row.load_ms),
            f"{row.memory_mb:.0f} MB",
            f"{row.peak_memory_mb:.0f} MB",
        )
    return [made]
