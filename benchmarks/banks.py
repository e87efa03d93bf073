"""What banks of many snapshots take: memory, and the time that a step spends on them."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import torch

from benchmarks.shapes import BERT_BASE, SEED, TINY, random_batch
from benchmarks.steps import PlainStep
from passes.banks import Bank
from passes.contrast import Contrast
from passes.contrasting import Contrasting

ROWS, WIDTH, SNAPSHOTS = 100_000, 768, 11
BATCH, TOKENS = 16, 64
STEPS = 50
"""Of which candidates are found, one after another, as in training."""


@dataclass(frozen=True)
class Found:
    """What was measured, and of how much."""

    rows: int
    width: int
    snapshots: int
    memory_mb: float
    """By how much the process has grown when all banks are there and in use."""
    find_ms: float
    """Processor time of a step's candidates; the median."""
    step_ms: float
    """Processor time of a training step of BERT-base, 16 rows of 64 tokens; the median."""


def measured(quick: bool) -> Found:
    """Banks of random vectors as `contrast` writes, opens and uses them."""
    rows, shape = (1000, TINY) if quick else (ROWS, BERT_BASE)
    process = psutil.Process()
    duty = Contrasting(Contrast(snapshots=SNAPSHOTS, pretrained=False, finetuned=False))
    before = process.memory_info().rss
    with tempfile.TemporaryDirectory() as folder:
        duty.banks["snapshots"] = [
            _bank(Path(folder) / f"{number}.npy", rows, shape.width, number)
            for number in range(SNAPSHOTS)
        ]
        torch.manual_seed(SEED)
        seconds = [_find(duty, torch.randperm(rows)[:BATCH], step) for step in range(STEPS)]
        memory = process.memory_info().rss - before
    taken = median(
        _seconds(PlainStep(shape.model(), random_batch(shape, BATCH, TOKENS))) for _ in range(3)
    )
    return Found(rows, shape.width, SNAPSHOTS, memory / 1e6, 1e3 * median(seconds), 1e3 * taken)


def _bank(path: Path, rows: int, width: int, seed: int) -> Bank:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(rows, width, generator=generator)
    Bank.kept(path, torch.arange(rows), rows, lambda: vectors)
    del vectors
    return Bank.kept(path, torch.arange(rows), rows, None)


def _find(duty: Contrasting, rows: torch.Tensor, step: int) -> float:
    started = time.process_time()
    duty.candidates(rows, duty.banks["snapshots"], step)
    return time.process_time() - started


def _seconds(step: PlainStep) -> float:
    step()
    started = time.process_time()
    step()
    return time.process_time() - started
