"""Damaged sparse weights, fed to the kernels under AddressSanitizer and UBSan."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.case import Case
from sparsify.errors import CheckFailed
from sparsify.runtime.kernel.build import build_fuzzer
from sparsify.runtime.library import kernels

FLAGS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WEIGHTS = 1_000_000
LEVELS = ("portable", "avx2", "avx512", "avx512vnni")


def cases(quick: bool) -> Iterator[Case]:
    """A share of the weights for each kind of kernels that this processor runs."""
    levels = LEVELS[: LEVELS.index(kernels()) + 1]
    count = (10_000 if quick else WEIGHTS) // len(levels)
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = build_fuzzer(Path(folder) / "fuzz", FLAGS)
        for seed, level in enumerate(levels):
            yield fuzzed(fuzzer, level, count, seed)


def fuzzed(fuzzer: Path, level: str, count: int, seed: int) -> Case:
    """The case of one run.

    Raises:
        CheckFailed: something was read or written out of bounds, or a product was wrong.
    """
    started = time.perf_counter()
    done = subprocess.run(
        [str(fuzzer), str(count), str(seed)],
        env={"SPARSIFY_KERNEL": level}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if done.returncode:
        raise CheckFailed(f"fuzzing with the {level} kernels: {done.stdout}{done.stderr}")
    says = f"{count} weights, most of them damaged: {done.stdout.strip()}"
    return Case("fuzz", level, round(seconds, 1), "s", 0.0, 0.0, None, True, says, 1, 1)
