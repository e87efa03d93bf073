"""Latency of several ONNX files, interleaved in one process so that they meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from sparsify.errors import Problem
from sparsify.report import Latency
from sparsify.runtime.inputs import random_inputs
from sparsify.runtime.session import REFUSALS, physical_cores, reason, session

FEWEST_ROUNDS = 3
"""Rounds that are timed even if the time is up."""


def bench(
    paths: Sequence[Path],
    *,
    batch: int = 1,
    sequence: int = 128,
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
        threads: threads of one operator; left out, one a physical core.
        rounds: timed runs of each file.
        warmup: runs of each file before, not counted.
        seconds: after these no further round begins, but three are timed at least.
        progress: called after every round with the rounds done and all.

    Raises:
        Problem: a file cannot be opened, or does not run at these sizes.
    """
    threads = threads or physical_cores()
    sessions = [session(path, threads=threads) for path in paths]
    inputs = random_inputs(paths, sessions, batch=batch, sequence=sequence)
    feeds = [
        {wanted.name: inputs[wanted.name] for wanted in each.get_inputs()} for each in sessions
    ]
    for path, each, feed in zip(paths, sessions, feeds, strict=True):
        _warm_up(path, each, feed, warmup, f"batch {batch}, sequence {sequence}")
    calls = [partial(each.run, None, feed) for each, feed in zip(sessions, feeds, strict=True)]
    times = _interleave(calls, rounds, time.perf_counter() + seconds, progress)
    sizes = {"threads": threads, "batch": batch, "sequence": sequence}
    return [_row(path, each, times[0], sizes) for path, each in zip(paths, times, strict=True)]


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


def _row(path: Path, times: list[float], first: list[float], sizes: Mapping[str, int]) -> Latency:
    median = float(np.median(times))
    return Latency(
        file=str(path),
        median_ms=median,
        spread_ms=float(np.subtract(*np.percentile(times, [75, 25])) / 2),
        ratio=float(np.median(first)) / median,
        **sizes,
    )


def _warm_up(
    path: Path,
    session: onnxruntime.InferenceSession,
    feed: Mapping[str, np.ndarray],
    runs: int,
    sizes: str,
) -> None:
    try:
        for _ in range(max(runs, 1)):
            session.run(None, feed)
    except REFUSALS as error:
        raise Problem(f"does not run at {sizes}: {reason(error)}", where=str(path)) from error
