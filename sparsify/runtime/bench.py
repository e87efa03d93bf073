"""Latency of several ONNX files, interleaved in one process so that they meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import psutil

from sparsify.errors import Problem
from sparsify.report import Latency
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
        batch: size of the first dynamic dimension of each input.
        sequence: size of the second, in tokens.
        sizes: of dimensions that have a name of their own, such as the samples of a sound.
        threads: threads of one operator; left out, one a physical core.
        rounds: timed runs of each file.
        warmup: runs of each file before, not counted.
        seconds: after these no further round begins, but three are timed at least.
        progress: called after every round with the rounds done and all.

    Raises:
        Problem: a file cannot be opened, or does not run at these sizes.
    """
    threads = threads or physical_cores()
    opened = [_open(path, threads) for path in paths]
    sessions = [each.session for each in opened]
    inputs = random_inputs(paths, sessions, batch=batch, sequence=sequence, sizes=sizes)
    feeds = [{want.name: inputs[want.name] for want in each.get_inputs()} for each in sessions]
    for each, feed in zip(opened, feeds, strict=True):
        _warm_up(each, feed, warmup, f"batch {batch}, sequence {sequence}")
    calls = [partial(each.run, None, feed) for each, feed in zip(sessions, feeds, strict=True)]
    times = _interleave(calls, rounds, time.perf_counter() + seconds, progress)
    asked = {"threads": threads, "batch": batch, "sequence": sequence}
    return [_row(each, own, times[0], asked) for each, own in zip(opened, times, strict=True)]


@dataclass
class Opened:
    """A file in its session, and what that cost."""

    path: Path
    session: onnxruntime.InferenceSession
    load_ms: float
    memory_mb: float


def _open(path: Path, threads: int) -> Opened:
    before, started = _resident_mb(), time.perf_counter()
    made = session(path, threads=threads)
    return Opened(path, made, 1000 * (time.perf_counter() - started), _resident_mb() - before)


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def _interleave(
    calls: Sequence[Callable[[], object]],
    rounds: int,
    deadline: float,
    progress: Callable[[int, int], None],
) -> list[list[float]]:
    """Milliseconds of each call in each round."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds):
        if number >= FEWEST_ROUNDS and time.perf_counter() > deadline:
            break
        for turn in range(len(calls)):
            index = (turn + number) % len(calls)
            started = time.perf_counter()
            calls[index]()
            times[index].append(1000 * (time.perf_counter() - started))
        progress(number + 1, rounds)
    return times


def _row(
    opened: Opened, times: list[float], first: list[float], sizes: Mapping[str, int]
) -> Latency:
    median = float(np.median(times))
    size_bytes, gzip_bytes = file_sizes(opened.path)
    return Latency(
        file=str(opened.path),
        median_ms=median,
        spread_ms=float(np.subtract(*np.percentile(times, [75, 25])) / 2),
        ratio=float(np.median(first)) / median,
        kernels=kernels_of(opened.path),
        size_bytes=size_bytes,
        gzip_bytes=gzip_bytes,
        load_ms=opened.load_ms,
        memory_mb=opened.memory_mb,
        **sizes,
    )


def _warm_up(opened: Opened, feed: Mapping[str, np.ndarray], runs: int, sizes: str) -> None:
    before = _resident_mb()
    try:
        for _ in range(max(runs, 1)):
            opened.session.run(None, feed)
    except REFUSALS as error:
        what = f"does not run at {sizes}: {reason(error)}"
        raise Problem(what, where=str(opened.path)) from error
    opened.memory_mb += _resident_mb() - before
