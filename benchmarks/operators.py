"""Operators: where the time of a BERT-base goes, dense, at 97%, and at 80% in large batches."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from onnxruntime import InferenceSession

from benchmarks.case import Case
from benchmarks.runtime import ALONE, file, smaller
from benchmarks.shapes import BERT_BASE, Shape
from sparsify import plugins
from sparsify.runtime.session import session_options

SEQUENCE, THREADS = 128, 1
MODELS = ((0.0, 1), (0.97, 1), (0.8, 8))
"""Sparsity and batch."""
RUNS, UNSEEN = 30, 5
LEAST = 0.01
"""The share of the time below which an operator is not told."""


def cases(quick: bool) -> Iterator[Case]:
    """ONNX Runtime's own profile; the median over the runs of each operator's sum."""
    plugins.load()
    shape = smaller(BERT_BASE, quick)
    with tempfile.TemporaryDirectory() as name:
        for sparsity, batch in MODELS:
            path = file(Path(name), shape, ALONE, sparsity)
            yield from _shares(path, Path(name), shape, sparsity, batch)


def _shares(path: Path, folder: Path, shape: Shape, sparsity: float, batch: int) -> Iterator[Case]:
    options = session_options(THREADS, sparse=bool(sparsity))
    options.enable_profiling, options.profile_file_prefix = True, str(folder / "profile")
    opened = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {"hidden": np.zeros((batch, SEQUENCE, shape.width), np.float32)}
    for _ in range(RUNS + UNSEEN):
        opened.run(None, feed)
    events = json.loads(Path(opened.end_profiling()).read_text())
    spent = _milliseconds(events)
    whole = sum(spent.values())
    for operator, taken_ms in sorted(spent.items(), key=lambda each: -each[1]):
        if taken_ms >= LEAST * whole:
            yield Case(
                bench="operators",
                case=f"{operator}, {_called(sparsity, batch)}",
                value=round(taken_ms, 3),
                unit="ms",
                baseline=round(whole, 3),
                ratio=round(taken_ms / whole, 4),
                goal=None,
                holds=None,
                says=f"{shape}, batch {batch}, sequence {SEQUENCE}: the operator, of all",
                pairs=RUNS,
                threads=THREADS,
            )


def _called(sparsity: float, batch: int) -> str:
    return (f"{sparsity:.0%} sparse" if sparsity else "dense") + (
        f", batch {batch}" if batch > 1 else ""
    )


def _milliseconds(events: list[dict[str, Any]]) -> dict[str, float]:
    """The median of each operator's time in a run; what was seen while warming up is left out."""
    runs: list[dict[str, float]] = []
    current: dict[str, float] = defaultdict(float)
    for event in sorted(events, key=lambda each: each["ts"] + each["dur"]):
        if event["name"] == "model_run":
            runs.append(dict(current))
            current = defaultdict(float)
        elif event.get("cat") == "Node" and str(event["name"]).endswith("kernel_time"):
            current[event["args"]["op_name"]] += event["dur"] / 1e3
    return {name: median(run.get(name, 0) for run in runs[UNSEEN:]) for name in runs[-1]}
