"""One-shot: processor time and memory of methods that only calibrate, on BERT-base; and banks.

Memory is the largest that the process had in RAM from its start to its end, with the capture, the
masks and the calibration rows, less what Python and its libraries take before there is a model.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.case import Case, Goal

CORES = 2
"""That the limits are meant for; what one processor does in less, two do."""
SIZES = 2.5
"""Peak memory over the bytes of the model's parameters, at most."""
METHODS: dict[str, dict[str, Any]] = {
    "wanda": {"prune": {"criterion": "wanda", "sparsity": 0.5, "scope": "row"}},
    "fisher": {"fisher-masks": {"sparsity": 0.5}},
    "sparsegpt": {"sparsegpt": {"sparsity": 0.5}},
}
"""Case -> the pass, as in a recipe."""
LIMITS_S = {"wanda": 60, "fisher": 180, "sparsegpt": 900}
"""Case -> what it may take by the clock on the wall, on all `CORES`."""


@dataclass(frozen=True)
class Measured:
    """What a process of its own says of one method."""

    processor_s: float
    """Of the pass that prunes alone."""
    model_mb: float
    masks_mb: float
    libraries_mb: float
    """Resident memory before there is a model: Python, its libraries, a capture of a tiny model."""
    peak_mb: float
    """The largest resident memory of the whole process."""


def cases(quick: bool) -> Iterator[Case]:
    """Each method in a process of its own, on one thread, by the clock of its processor."""
    for name, limit_s in LIMITS_S.items():
        found = measured(name, quick)
        yield _time(name, found, limit_s, quick)
        yield _memory(name, found, quick)
    yield from _banks(quick)


def measured(name: str, quick: bool) -> Measured:
    """Run `benchmarks.oneshot_method` and read what it prints."""
    command = [sys.executable, "-m", "benchmarks.oneshot_method", name, *(["quick"] * quick)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _time(name: str, found: Measured, limit_s: float, quick: bool) -> Case:
    return _case(
        f"{name}_time",
        found.processor_s,
        limit_s * CORES,
        "s",
        f"processor time of `{name}` at 50 %, 128 samples of 128 tokens, against {CORES} cores "
        f"for {limit_s} s",
        quick,
    )


def _memory(name: str, found: Measured, quick: bool) -> Case:
    return _case(
        f"{name}_memory",
        found.peak_mb - found.libraries_mb,
        SIZES * found.model_mb,
        "MB",
        f"peak memory of `{name}`, the model ({found.model_mb:,.0f} MB) and its masks "
        f"({found.masks_mb:,.0f} MB) included, Python's libraries ({found.libraries_mb:,.0f} MB) "
        f"not, against {SIZES} times the model",
        quick,
    )


def _banks(quick: bool) -> Iterator[Case]:
    from benchmarks.banks import measured as of_banks

    found = of_banks(quick)
    says = f"memory that {found.snapshots} banks of {found.rows:,} x {found.width} take, with use"
    yield _case("banks_memory", found.memory_mb, 2000, "MB", f"{says}, against 2 GB", quick)
    says = "finding and moving a step's candidates in all banks, against 5 % of a training step"
    yield _case("banks_step", found.find_ms, 0.05 * found.step_ms, "ms", says, quick)


def _case(name: str, ours: float, limit: float, unit: str, says: str, quick: bool) -> Case:
    goal, ratio = Goal("<=", 1), ours / limit
    return Case(
        bench="oneshot",
        case=name,
        value=round(ours, 2),
        unit=unit,
        baseline=round(limit, 2),
        ratio=round(ratio, 4),
        goal=str(goal),
        holds=None if quick else goal.holds(ratio),
        says=says,
        pairs=1,
        threads=1,
    )
