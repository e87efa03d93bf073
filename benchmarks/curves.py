"""From which sparsity on a layer is faster: by shape, tokens, and what is zero together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.case import Case
from benchmarks.shapes import SEED
from sparsify.export.layers import milliseconds, opened
from sparsify.smallest import of_integers, smallest
from sparsify.storage import Stored

SHAPES = ((768, 768), (3072, 768), (768, 3072))
"""Outputs x inputs: the layers of BERT-base."""
TOKENS = (1, 128, 1024)
SPARSITIES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99)
BLOCKS = {"unstructured": (1, 1), "blocks 4x1": (4, 1), "blocks 1x4, int8": (1, 4)}
STRUCTURED = "outputs removed"
SECONDS, QUICK_SECONDS = 3.0, 0.05
"""For the ten layers of one curve and the dense one, in turns."""
THREADS = 1


def cases(quick: bool) -> Iterator[Case]:
    """One thread, by its own clock, that other processes do not turn."""
    shapes, tokens = (((64, 64),), (1,)) if quick else (SHAPES, TOKENS)
    for kind in (*BLOCKS, STRUCTURED):
        for shape in shapes:
            for count in tokens:
                yield from _curve(kind, shape, count, QUICK_SECONDS if quick else SECONDS)


def _curve(kind: str, shape: tuple[int, int], tokens: int, seconds: float) -> Iterator[Case]:
    random = np.random.default_rng(SEED)
    weight = random.standard_normal(shape, dtype=np.float32)
    inputs = random.standard_normal((tokens, shape[1]), dtype=np.float32)
    pruned = [_pruned(weight, kind, sparsity) for sparsity in SPARSITIES]
    layers = [opened(each, THREADS) for each in (weight, *pruned)]
    dense_ms, *each_ms = milliseconds(layers, inputs, threads=THREADS, seconds=seconds)
    for sparsity, taken_ms in zip(SPARSITIES, each_ms, strict=True):
        yield Case(
            bench="curves",
            case=f"{kind}, {shape[0]}x{shape[1]}, tokens {tokens}, {sparsity:.0%}",
            value=round(taken_ms, 4),
            unit="ms",
            baseline=round(dense_ms, 4),
            ratio=round(dense_ms / taken_ms, 3),
            goal=None,
            holds=None,
            says="the layer alone, against dense with 32 bits",
            pairs=1,
            threads=THREADS,
        )


def _pruned(weight: np.ndarray, kind: str, sparsity: float) -> np.ndarray | Stored:
    """The weight with random zeros, as it is stored; or without the outputs that are zero."""
    if kind == STRUCTURED:
        return weight[: max(round(len(weight) * (1 - sparsity)), 1)]
    rows, columns = BLOCKS[kind]
    grid = (weight.shape[0] // rows, weight.shape[1] // columns)
    kept = np.random.default_rng(SEED + 1).random(grid, dtype=np.float32) >= sparsity
    zeroed = weight * np.kron(kept, np.ones((rows, columns), np.float32))
    stored = of_integers(zeroed) if "int8" in kind else smallest(zeroed, "f32")
    return zeroed if stored is None else stored
