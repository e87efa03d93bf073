"""The README's table of speed: what is zero, how large the file is, how much faster it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchmarks.case import Case

ENCODER = re.compile(r"768-(?P<kind>.+)-(?P<sparsity>\d+)%-batch(?P<batch>\d+)-threads1")
REMOVED = re.compile(r"removed_(?P<sparsity>\d+)%_dynamic_batch_(?P<batch>\d+)")
FILE = re.compile(r"file ([\d.]+%) of the dense")
BATCHES = ("1", "8")


def rows(runtime: Iterable[Case], int8: Iterable[Case]) -> list[tuple[str, ...]]:
    """One row a kind of zeros and sparsity; a batch that was not measured is left empty."""
    sizes: dict[str, str] = {}
    ratios: dict[tuple[str, str], float] = {}
    for case, found, name in _named(runtime, int8):
        share = FILE.search(case.says)
        sizes.setdefault(name, share[1] if share else "")
        ratios[name, found["batch"]] = case.ratio
    return [
        (name, size, *(_times(ratios.get((name, batch))) for batch in BATCHES))
        for name, size in sizes.items()
    ]


def _named(
    runtime: Iterable[Case], int8: Iterable[Case]
) -> Iterable[tuple[Case, re.Match[str], str]]:
    for case in runtime:
        if found := ENCODER.fullmatch(case.case):
            yield case, found, f"{found['kind'].replace('-', ' ')}, {found['sparsity']}%"
    for case in int8:
        if found := REMOVED.fullmatch(case.case):
            share = int(found["sparsity"])
            what = f"{share}% of heads and neurons removed, " if share else "dense, "
            yield case, found, f"{what}8-bit integers, standard operators"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f}x"
