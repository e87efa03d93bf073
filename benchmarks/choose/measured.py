"""Every form as a file: accuracy in ONNX Runtime, size, and latency beside the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx_ir as ir

from benchmarks.choose.forms import Form
from benchmarks.methods.grid import Cell, run_of
from benchmarks.methods.running import score
from benchmarks.methods.summary import DEV, HELD_OUT
from sparsify.export.quantize import quantize
from sparsify.run.exporting import export_model
from sparsify.run.full import DENSE
from sparsify.runtime import bench

THREADS = 1
ROUNDS = {1: 40, 8: 10}
"""Timed runs of every file by batch."""


@dataclass(frozen=True)
class Measured:
    """One form. Scores are from 0 to 1, in ONNX Runtime."""

    name: str
    says: str
    scores: dict[str, float]
    """Of the deciding metric, by the rows they were taken on."""
    size_bytes: int
    gzip_bytes: int
    latency_ms: dict[str, float]
    """Medians by batch, one thread."""
    faster: dict[str, float]
    """How many times faster than the dense form, by batch."""


def measure(cells: Mapping[Form, Cell], data: Path, work: Path, sequence: int) -> dict[str, Any]:
    """Export, score and time all forms.

    Args:
        cells: the run of each form, carried out and kept in `work`.
        data: the folder of the tasks.
        work: where the runs are, and where the files of the forms go.
        sequence: tokens of the texts that are timed.
    """
    paths = {form: _exported(form, run_of(work, cell)) for form, cell in cells.items()}
    scores = {form: _scores(paths[form], cell, data, work) for form, cell in cells.items()}
    timed = {
        batch: bench(list(paths.values()), batch=batch, sequence=sequence, threads=THREADS,
                     rounds=rounds, seconds=600)
        for batch, rounds in ROUNDS.items()
    }  # fmt: skip
    found = [
        Measured(
            name=form.name,
            says=form.says,
            scores=scores[form],
            size_bytes=timed[1][place].size_bytes,
            gzip_bytes=timed[1][place].gzip_bytes,
            latency_ms={str(batch): rows[place].median_ms for batch, rows in timed.items()},
            faster={str(batch): rows[place].ratio for batch, rows in timed.items()},
        )
        for place, form in enumerate(cells)
    ]
    one = next(iter(cells.values()))
    return {
        "task": one.task.name,
        "budget": one.budget.name,
        "seed": one.seed,
        "sequence": sequence,
        "threads": THREADS,
        "forms": [asdict(each) for each in found],
    }


def _exported(form: Form, run: Path) -> Path:
    """The file of a form, made from the run that trained it."""
    output = run / "forms" / re.sub(r"[^a-z0-9]+", "-", form.name.lower())
    if form.dense:
        if form.quantize is None:
            return run / DENSE
        model = ir.load(run / DENSE)
        quantize(model)
        path = run / "dense.int8.onnx"
        ir.save(model, path)
        return path
    lowering = {"auto": {"activations": form.activations}}
    export_model(str(run), output, lowering=lowering, quantize=form.quantize)
    return output / form.file


def _scores(path: Path, cell: Cell, data: Path, work: Path) -> dict[str, float]:
    split = cell.task.split(data, work, cell.seed)
    places = {DEV: split.validation, HELD_OUT: split.held_out}
    found = {rows: score(cell.recipe(split), each, path)[0] for rows, each in places.items()}
    return {rows: each.values[each.main] for rows, each in found.items()}
