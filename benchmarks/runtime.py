"""Sparse encoders in ONNX Runtime against the same encoder dense."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir
from onnxruntime import InferenceSession

from benchmarks.case import Case, Goal, judge
from benchmarks.encoder_graph import Encoder, in_blocks
from benchmarks.shapes import BERT_BASE, MINILM, TINY, Shape
from benchmarks.timing import Timing
from sparsify import plugins
from sparsify.export.sparse import lower
from sparsify.kinds import lowering
from sparsify.runtime import session
from sparsify.storage import Activations

SEQUENCE = 128
PAIRS = {1: 20, 8: 12}
"""Timed runs of both by batch."""
UNSTRUCTURED = {
    1: {0.97: 9.0, 0.95: 7.0, 0.9: 4.8, 0.8: 2.9, 0.5: 1.2},
    8: {0.97: 8.0, 0.95: 6.5, 0.9: 5.3, 0.8: 3.7, 0.5: 1.2},
}
"""How many times faster than dense, by batch and sparsity."""
BLOCKS = {0.9: 6.5, 0.75: 3.4, 0.5: 1.95}
"""The same for blocks of four outputs at batch 1."""
INTEGERS_90 = 8.0
"""The same for blocks of four inputs that are multiplied as 8-bit integers."""
MINILM_97 = 5.5


@dataclass(frozen=True)
class Pattern:
    """Which weights are zero together, and whether products are of integers."""

    name: str
    block: tuple[int, int] = (1, 1)
    activations: Activations = "f32"


ALONE = Pattern("unstructured")
FOUR_OUTPUTS = Pattern("blocks 4x1", (4, 1))
INTEGERS = Pattern("int8 blocks 1x4", (1, 4), "int8")


def cases(quick: bool) -> Iterator[Case]:
    """One thread: CPU time of the thread, which other processes do not touch; both: wall time."""
    plugins.load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = smaller(BERT_BASE, quick)
        for batch, limits in UNSTRUCTURED.items():
            for sparsity, limit in limits.items():
                goal = Goal(">=", limit)
                yield measured(folder, base, ALONE, sparsity, batch, 1, goal, quick=quick)
        for sparsity, limit in BLOCKS.items():
            yield measured(
                folder, base, FOUR_OUTPUTS, sparsity, 1, 1, Goal(">=", limit), quick=quick
            )
        for batch in (1, 8):
            goal = Goal(">=", INTEGERS_90)
            yield measured(folder, base, INTEGERS, 0.9, batch, 1, goal, quick=quick)
        for sparsity in (0.97, 0.9):
            yield measured(folder, base, ALONE, sparsity, 1, 2, None, quick=quick)
        goal = Goal(">=", MINILM_97)
        yield measured(folder, smaller(MINILM, quick), ALONE, 0.97, 1, 1, goal, quick=quick)


def smaller(shape: Shape, quick: bool) -> Shape:
    return TINY if quick else shape


def measured(
    folder: Path,
    shape: Shape,
    pattern: Pattern,
    sparsity: float,
    batch: int,
    threads: int,
    goal: Goal | None,
    *,
    quick: bool,
) -> Case:
    """One sparsity at one batch, in turns with the dense encoder."""
    dense, sparse = (file(folder, shape, pattern, share) for share in (0.0, sparsity))
    inputs = np.random.default_rng(0).standard_normal((batch, SEQUENCE, shape.width))
    feed = {"hidden": inputs.astype(np.float32)}
    runs = [session(path, threads=threads) for path in (sparse, dense)]
    timing = in_turns(runs, feed, pairs=3 if quick else PAIRS[batch], threads=threads)
    share = sparse.stat().st_size / dense.stat().st_size
    says = (
        f"{shape}, {pattern.name}, batch {batch}, threads {threads}, file {share:.1%} of the dense"
    )
    kind = pattern.name.replace(" ", "-")
    name = f"{shape.width}-{kind}-{sparsity:.0%}-batch{batch}-threads{threads}"
    return judge("runtime", name, timing, says, goal, quick=quick, faster=True)


def file(folder: Path, shape: Shape, pattern: Pattern, sparsity: float) -> Path:
    """The encoder's file, made if it is not there."""
    kind = pattern.name.replace(" ", "-") if sparsity else "dense"
    path = folder / f"{shape.layers}-{shape.width}-{kind}-{sparsity}.onnx"
    if not path.exists():
        model = Encoder(shape, in_blocks(pattern.block, sparsity)).model()
        if sparsity:
            lower(model, lowering.choose("sparse", least=0.0, activations=pattern.activations))
        ir.save(model, path)
    return path


def in_turns(
    runs: list[InferenceSession], feed: dict[str, np.ndarray], *, pairs: int, threads: int
) -> Timing:
    """Pairs of ours and the baseline's seconds; who begins changes with every pair."""
    clock = time.thread_time if threads == 1 else time.perf_counter
    for run in runs:
        run.run(None, feed)
    found = []
    for number in range(pairs):
        seconds = [0.0, 0.0]
        for turn in (0, 1):
            which = (number + turn) % 2
            started = clock()
            runs[which].run(None, feed)
            seconds[which] = clock() - started
        found.append((seconds[0], seconds[1]))
    return Timing(tuple(found), threads)
