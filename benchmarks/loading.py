"""Loading: time and memory of opening a BERT-base at 97%, with the kernels and without."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.case import Case, Goal
from benchmarks.runtime import ALONE, file, smaller
from benchmarks.shapes import BERT_BASE
from sparsify import plugins
from sparsify.runtime.footprint import Footprint, footprint

SPARSITY, SEQUENCE, THREADS = 0.97, 128, 1
REPEATS = 3
STOCK_LIMIT_MS = 5000.0
"""In which ONNX Runtime alone opens the file: it folds every sparse weight into a dense one."""


def cases(quick: bool) -> Iterator[Case]:
    """Each file in a process of its own, in turns, by the clock of its processor; medians."""
    plugins.load()
    with tempfile.TemporaryDirectory() as name:
        shape = smaller(BERT_BASE, quick)
        dense, sparse = (file(Path(name), shape, ALONE, share) for share in (0.0, SPARSITY))
        rows = {"hidden": np.zeros((1, SEQUENCE, shape.width), np.float32)}
        ways = {"dense": (dense, False), "kernels": (sparse, True), "stock": (sparse, False)}
        found: dict[str, list[Footprint]] = {way: [] for way in ways}
        for _ in range(1 if quick else REPEATS):
            for way, (path, kernels) in ways.items():
                seen = footprint(path, rows, threads=THREADS, sparse=kernels)
                found[way].append(seen)
        yield from _told(found, f"{shape} at {SPARSITY:.0%}", quick)


def _told(found: dict[str, list[Footprint]], what: str, quick: bool) -> Iterator[Case]:
    load, memory, peak = (
        {way: median(getattr(each, name) for each in seen) for way, seen in found.items()}
        for name in ("load_processor_ms", "memory_mb", "peak_memory_mb")
    )
    lines = (
        (
            "load_stock",
            load["stock"],
            STOCK_LIMIT_MS,
            "ms",
            "opened without the kernels, the limit",
        ),
        (
            "load_kernels",
            load["kernels"],
            load["dense"],
            "ms",
            "opened with the kernels, the dense",
        ),
        ("memory_kernels", memory["kernels"], memory["dense"], "MB", "after one run, the dense"),
        (
            "peak_stock",
            peak["stock"],
            peak["dense"],
            "MB",
            "the peak without the kernels, the dense",
        ),
    )
    for name, ours, baseline, unit, says in lines:
        # ONNX Runtime alone holds the sparse weights and the dense ones that it makes of them
        goal = None if name == "peak_stock" else Goal("<=", 1)
        ratio = ours / baseline
        yield Case(
            bench="loading",
            case=name,
            value=round(ours, 2),
            unit=unit,
            baseline=round(baseline, 2),
            ratio=round(ratio, 4),
            goal=None if goal is None else str(goal),
            holds=None if goal is None or quick else goal.holds(ratio),
            says=f"{what}: {says}",
            pairs=len(found["stock"]),
            threads=THREADS,
        )
