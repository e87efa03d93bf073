"""8 bits: heads and neurons removed, the rest in 8 bits, in stock ONNX Runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.case import Case, Goal, judge
from benchmarks.runtime import in_turns
from benchmarks.shapes import BERT_BASE, TINY, Shape, random_batch
from benchmarks.steps import compiled
from sparsify import export, plugins, schema
from sparsify.kinds import lowering
from sparsify.program import Program
from sparsify.runtime import session

RECIPE = "structured-oneshot"
SEQUENCE, THREADS = 128, 1
PAIRS = {1: 21, 8: 7}
"""Timed runs of both by batch."""
GOALS = {(0.75, "dynamic", 1): Goal(">=", 11)}
"""How many times faster than dense in 32 bits; elsewhere it is measured, and no slower."""


def cases(quick: bool) -> Iterator[Case]:
    """One thread, by its own clock, that other processes do not turn."""
    plugins.load()
    shape, sequence = (TINY, 8) if quick else (BERT_BASE, SEQUENCE)
    with tempfile.TemporaryDirectory() as name:
        dense = Path(name) / "dense.onnx"
        export.emit(compiled(shape.model(), []), dense, opset=20)
        for removed in (0.0, 0.5, 0.75):
            program = _shrunk(shape, removed)
            for mode in ("dynamic", "static"):
                path = Path(name) / f"{removed}-{mode}.onnx"
                _write(program, path, shape, mode)
                for batch in PAIRS:
                    if mode == "dynamic" or batch == 1:
                        yield _measured(path, dense, shape, removed, mode, batch, sequence, quick)


def _shrunk(shape: Shape, removed: float) -> Program:
    if not removed:
        return compiled(shape.model(), [])
    recipe = schema.read(RECIPE, [f"vars.sparsity={removed}"]).recipe
    return compiled(shape.model(), [*recipe.passes, *recipe.export.passes])


def _write(program: Program, path: Path, shape: Shape, mode: str) -> None:
    torch.manual_seed(0)
    rows = [random_batch(shape, 2, 16)]
    export.emit(
        program,
        path,
        opset=20,
        lowering=lowering.choose("dense"),
        eight_bits=True,
        calibration=rows if mode == "static" else None,
    )


def _measured(
    path: Path, dense: Path, shape: Shape, removed: float, mode: str, batch: int, sequence: int,
    quick: bool,
) -> Case:  # fmt: skip
    """The file in turns with the dense one in 32 bits."""
    runs = [session(each, threads=THREADS) for each in (path, dense)]
    inputs = random_batch(shape, batch, sequence)
    feed: dict[str, np.ndarray] = {
        wanted.name: inputs[wanted.name].numpy() for wanted in runs[0].get_inputs()
    }
    timing = in_turns(runs, feed, pairs=3 if quick else PAIRS[batch], threads=THREADS)
    share = path.stat().st_size / dense.stat().st_size
    what = f"{removed:.0%} of its heads and neurons removed, " if removed else ""
    says = f"{shape}, {what}{mode} int8, batch {batch}, file {share:.1%} of the dense in 32 bits"
    goal = GOALS.get((removed, mode, batch), Goal(">=", 1))
    name = f"removed_{removed:.0%}_{mode}_batch_{batch}"
    return judge("int8", name, timing, says, goal, quick=quick)
