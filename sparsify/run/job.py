"""One run on its way: what was read, what was captured, and what is known so far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparsify.history import History
from sparsify.pipeline import Step
from sparsify.program import Program
from sparsify.report import RunReport
from sparsify.run.clock import Clock
from sparsify.run.setup import Setup
from sparsify.schema import Loaded


@dataclass
class Job:
    """One run on its way."""

    loaded: Loaded
    output: Path
    clock: Clock
    setup: Setup
    dense: Program
    """What the sparse program is compared with: the teacher, or the model as it came."""
    steps: list[Step]
    report: RunReport
    history: History | None = None
    """How training went, where there was any."""
