"""One run from its recipe to its result; interrupted, it goes on where it was."""

from __future__ import annotations

import hashlib
import shutil
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.methods.grid import Cell, portable, run_of
from benchmarks.methods.outcome import Outcome
from sparsify.report import RECIPE, RunReport, Scores
from sparsify.watch import Watch

if TYPE_CHECKING:
    from sparsify.schema import Loaded


def carry_out(
    cell: Cell,
    data: Path,
    work: Path,
    known: list[Outcome],
    watch: Watch,
    command: str,
    *,
    keep: bool = False,
) -> Outcome:
    """Train the model of `cell` and measure it.

    Args:
        cell: the run.
        data: the folder of the tasks.
        work: where it works; a run that was interrupted there is resumed.
        known: results so far; the scores of a teacher among them are not taken again.
        watch: told of everything that happens.
        command: the command line, for the result.
        keep: whether its models stay in `work`.
    """
    from sparsify.report import WORK
    from sparsify.run import run

    split = cell.task.split(data, work, cell.seed)
    loaded = cell.recipe(split)
    folder = run_of(work, cell)
    resumed = (folder / WORK / RECIPE).exists()
    wall, cpu = time.perf_counter(), time.process_time()
    report = run(loaded, folder, resume=resumed, overwrite=not resumed, watch=watch)
    teacher = digest(folder / "dense.onnx")
    dense = next((each.dense["held-out"] for each in known if each.teacher == teacher), None)
    watch.phase("held-out")
    sparse, rows = score(loaded, split.held_out, folder / "model.onnx")
    if dense is None:
        dense = score(loaded, split.held_out, folder / "dense.onnx")[0].values
    assert report.dense_onnx is not None
    assert report.sparse_onnx is not None
    outcome = Outcome(
        task=cell.task.name,
        budget=cell.budget.name,
        method=cell.method.name,
        sparsity=cell.sparsity,
        seed=cell.seed,
        zeros=report.pruned_sparsity,
        macs=_macs(report),
        main=report.sparse_onnx.main,
        sparse={"dev": report.sparse_onnx.values, "held-out": sparse.values},
        dense={"dev": report.dense_onnx.values, "held-out": dense},
        rows={"dev": _rows(loaded, split.validation), "held-out": rows},
        teacher=teacher,
        steps=report.history[-1].step,
        wall_s=round(time.perf_counter() - wall, 1),
        cpu_s=round(time.process_time() - cpu, 1),
        train_wall_s=round(sum(p.seconds for p in report.phases if p.name == "train"), 1),
        resumed=resumed,
        history=[{"step": point.step, **point.values} for point in report.history],
        warnings=report.warnings,
        recipe=portable(cell),
        command=command,
        date=date.today().isoformat(),
        machine=report.machine,
        versions=report.versions,
    )
    if not keep:
        shutil.rmtree(folder)
    return outcome


def score(loaded: Loaded, rows: Path, path: Path) -> tuple[Scores, int]:
    """The task's metrics of an ONNX file, beside its tokenizer, on a file's rows; and how many."""
    from transformers import AutoTokenizer

    from sparsify import data
    from sparsify.run.measuring import onnx_scores
    from sparsify.runtime import session

    spec = loaded.recipe.data
    assert spec is not None
    aside = spec.model_copy(update={"validation": str(rows), "validation_rows": None})
    found = data.load(aside, seed=0)
    tokenizer = AutoTokenizer.from_pretrained(path.parent)
    names = [each.name for each in session(path).get_inputs()]
    encoder = data.Encoder(spec, tokenizer, names, tags=found.label_names)
    encoded = encoder.validation(found.validation)
    return onnx_scores(encoded, path), len(found.validation)


def digest(path: Path) -> str:
    """The first twelve digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _macs(report: RunReport) -> float:
    assert report.dense_cost is not None
    assert report.sparse_cost is not None
    return round(report.sparse_cost.macs / report.dense_cost.macs, 4)


def _rows(loaded: Loaded, path: Path) -> int:
    """How many rows of a file a run was measured on."""
    from sparsify.data import files

    assert loaded.recipe.data is not None
    count = len(files.read(str(path)))
    return min(count, loaded.recipe.data.validation_rows or count)
