"""What each phase of a run costs in time and memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sparsify.report import Phase
from sparsify.watch import Watch


class Clock:
    """Collects the phases of one run, and announces them."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.phases: list[Phase] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what happens inside; nothing is noted when it fails."""
        self.watch.phase(name)
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.phases.append(Phase(name=name, seconds=seconds, peak_memory_mb=peak_memory_mb()))


def peak_memory_mb() -> float:
    """The largest resident memory of this process so far."""
    # kilobytes on Linux, bytes on macOS
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
