"""Latency of several ONNX files, interleaved in one process so that they meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from sparsify.errors import Problem
from sparsify.report import Latency
from sparsify.runtime.dimensions import Dimensions
from sparsify.runtime.footprint import footprint
from sparsify.runtime.inputs import random_inputs
from sparsify.runtime.session import REFUSALS, kernels_of, physical_cores, reason, session
from sparsify.runtime.sizes import file_sizes

FEWEST_ROUNDS = 3
"""Rounds that are timed even if the time is up."""


def bench(
    paths: Sequence[Path],
    *,
    batch: int = 1,
    sequence: int = 128,
    sizes: Mapping[str, int] | None = None,
    threads: int | None = None,
    rounds: int = 50,
    warmup: int = 3,
    seconds: float = 60.0,
    progress: Callable[[int, int], None] = lambda done, rounds: None,
) -> list[Latency]:
    """Time every file once a round, in an order that rotates, on the same random inputs.

    Args:
        paths: ONNX files; the ratios compare with the first.
        batch: size of the first dimension of each input.
        sequence: tokens of a row.
        sizes: of other dimensions by their names in the files; see `Dimensions`.
        threads: threads of one operator; left out, one a physical core.
        rounds: timed runs of each file.
        warmup: runs of each file before, not counted.
        seconds: after these no further round begins, but three are timed at least.
        progress: called after every round with the rounds done and all.

    Raises:
        Problem: a file cannot be opened, a size is missing or names no dimension of any file, or a
            file does not run at these sizes.
    """
    threads = threads or physical_cores()
    dimensions = Dimensions(batch, sequence, sizes or {})
    opened = _open(paths, dimensions, threads)
    for each in opened:
        _warm_up(each, warmup, dimensions)
    times = _interleave(opened, rounds, time.perf_counter() + seconds, progress)
    return [
        _row(each, own, times[0], dimensions, threads)
        for each, own in zip(opened, times, strict=True)
    ]


@dataclass(frozen=True)
class Opened:
    """A file in its session, and what it is fed."""

    path: Path
    session: onnxruntime.InferenceSession
    inputs: Mapping[str, np.ndarray]


def _open(paths: Sequence[Path], dimensions: Dimensions, threads: int) -> list[Opened]:
    sessions = [session(path, threads=threads) for path in paths]
    dimensions.require_known(sessions)
    inputs = random_inputs(paths, sessions, dimensions)
    return [
        Opened(path, each, {want.name: inputs[want.name] for want in each.get_inputs()})
        for path, each in zip(paths, sessions, strict=True)
    ]


def _interleave(
    opened: Sequence[Opened],
    rounds: int,
    deadline: float,
    progress: Callable[[int, int], None],
) -> list[list[float]]:
    """Milliseconds of each file in each round."""
    times: list[list[float]] = [[] for _ in opened]
    for number in range(rounds):
        if number >= FEWEST_ROUNDS and time.perf_counter() > deadline:
            break
        for turn in range(len(opened)):
            index = (turn + number) % len(opened)
            started = time.perf_counter()
            opened[index].session.run(None, opened[index].inputs)
            times[index].append(1000 * (time.perf_counter() - started))
        progress(number + 1, rounds)
    return times


def _row(
    opened: Opened, times: list[float], first: list[float], dimensions: Dimensions, threads: int
) -> Latency:
    median = float(np.median(times))
    size_bytes, gzip_bytes = file_sizes(opened.path)
    cost = footprint(opened.path, opened.inputs, threads=threads)
    return Latency(
        file=str(opened.path),
        median_ms=median,
        spread_ms=float(np.subtract(*np.percentile(times, [75, 25])) / 2),
        ratio=float(np.median(first)) / median,
        kernels=kernels_of(opened.path),
        size_bytes=size_bytes,
        gzip_bytes=gzip_bytes,
        threads=threads,
        batch=dimensions.batch,
        sequence=dimensions.sequence,
        sizes=dict(dimensions.given),
        load_ms=cost.load_ms,
        memory_mb=cost.memory_mb,
        peak_memory_mb=cost.peak_memory_mb,
    )


def _warm_up(opened: Opened, runs: int, dimensions: Dimensions) -> None:
    try:
        for _ in range(max(runs, 1)):
            opened.session.run(None, opened.inputs)
    except REFUSALS as error:
        what = f"does not run at {dimensions}: {reason(error)}"
        raise Problem(what, where=str(opened.path)) from error
