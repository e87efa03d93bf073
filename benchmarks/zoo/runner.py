"""Every model in a process of its own: what it does to memory and time, the others do not feel."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

from benchmarks.zoo.journey import travel
from benchmarks.zoo.outcome import Outcome
from benchmarks.zoo.steps import STEPS

LIMIT_S = 300.0
"""For one step of one model."""


def run(rows: Sequence[str], limit_s: float = LIMIT_S) -> Iterator[Outcome]:
    """Take the models called `rows` through all steps; outcomes come as they are found."""
    # a server that has imported everything once: every process begins as a copy of it
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["benchmarks.zoo.journey"])
    for row in rows:
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=travel, args=(row, theirs.send))
        process.start()
        theirs.close()
        yield from _heard(row, ours, limit_s)
        process.kill()
        process.join()


def _heard(row: str, sender: Connection, limit_s: float) -> Iterator[Outcome]:
    """What a process says about `row`, and what is to be said when it falls silent."""
    silence = ""
    for step in STEPS:
        if silence:
            yield Outcome(row, step.name, "not reached")
        elif not sender.poll(limit_s):
            silence = f"takes longer than {limit_s:.0f} s"
            yield Outcome(row, step.name, "failed", silence, seconds=limit_s)
        else:
            try:
                yield sender.recv()
            except EOFError:
                silence = "the process ended without a word"
                yield Outcome(row, step.name, "failed", silence)
