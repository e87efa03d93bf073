"""What opening an ONNX file costs in time and memory, in a process that does nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from sparsify.runtime.session import session

CHILD = "from sparsify.runtime.footprint import main; main()"


@dataclass(frozen=True)
class Footprint:
    """Of a session with the weights on disk in the system's cache."""

    load_ms: float
    load_processor_ms: float
    """What of it the processor worked for this process: other processes do not turn it."""
    memory_mb: float
    """Resident memory that opening the file and one run added."""
    peak_memory_mb: float
    """The most that it was on the way: folding weights and copying them into shape takes more."""


def footprint(
    path: Path, inputs: Mapping[str, np.ndarray], *, threads: int, sparse: bool = True
) -> Footprint:
    """Open the file at `path` and run it once.

    Args:
        path: an ONNX file that ONNX Runtime accepts.
        inputs: for all of its inputs.
        threads: threads of one operator.
        sparse: whether sparse weights run in the sparse kernels; see `session`.
    """
    with tempfile.TemporaryDirectory() as folder:
        values = Path(folder) / "inputs.npz"
        np.savez(values, allow_pickle=False, **inputs)
        asked = {"path": str(path), "values": str(values), "threads": threads, "sparse": sparse}
        told = Path(folder) / "told.json"
        asked["told"] = str(told)
        subprocess.run([sys.executable, "-c", CHILD, json.dumps(asked)], check=True)
        return Footprint(**json.loads(told.read_text()))


def main() -> None:
    """In the child: measure what the one argument asks for, and write down what was found."""
    asked = json.loads(sys.argv[1])
    with np.load(asked["values"], allow_pickle=False) as values:
        inputs = dict(values)
    before, started, used = _resident_mb(), time.perf_counter(), time.process_time()
    made = session(Path(asked["path"]), threads=asked["threads"], sparse=asked["sparse"])
    load_ms = 1e3 * (time.perf_counter() - started)
    processor_ms = 1e3 * (time.process_time() - used)
    made.run(None, inputs)
    after = _resident_mb()
    peak = max(_peak_mb(), after) - before
    found = Footprint(load_ms, processor_ms, after - before, peak)
    Path(asked["told"]).write_text(json.dumps(asdict(found)))


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def _peak_mb() -> float:
    """The most resident memory so far; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if "VmHWM" in line), 0.0)
