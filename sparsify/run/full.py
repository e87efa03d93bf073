"""A whole run: teacher, passes, training, export, checks, latencies, and the report of it all."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import torch

from sparsify.analysis.cost import cost
from sparsify.examples import own_sizes
from sparsify.export import inspect_onnx
from sparsify.onnx_report import QUANTIZED
from sparsify.pipeline import apply
from sparsify.report import REPORT, RunReport
from sparsify.run.card import keep_card
from sparsify.run.clock import Clock
from sparsify.run.exporting import checked_export, note_export
from sparsify.run.fitting import require_fit
from sparsify.run.folder import claim, examine, keep_history, keep_recipe, seed_everything
from sparsify.run.job import Job
from sparsify.run.learning import learn
from sparsify.run.measuring import evaluate_both, hold_to_floor, measure_zeros, onnx_scores
from sparsify.run.points import START, Look, point_names
from sparsify.run.quantizing import quantized_export
from sparsify.run.setup import prepare
from sparsify.run.sizes import usual_length, usual_sizes
from sparsify.run.surroundings import machine, versions
from sparsify.run.teacher import given_teacher
from sparsify.run.trackers import require_trackers
from sparsify.runtime import bench
from sparsify.saving import save
from sparsify.schema import Loaded
from sparsify.watch import Watch

DENSE = "dense.onnx"
SPARSE = "model.onnx"
ROUNDS = 30
"""Timed runs of each file."""


def run(
    loaded: Loaded,
    output: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
    command: str = "",
    look: Look | None = None,
) -> RunReport:
    """Do what the recipe says and leave the result in `output`.

    Args:
        loaded: the recipe.
        output: the folder for `model.onnx`, the checkpoint, `recipe.yaml` and `report.json`.
        resume: continue where an interrupted run in `output` was; the result is the same.
        overwrite: replace what a run left in `output`.
        watch: told of everything that happens.
        command: the command line, for the report.
        look: where someone looks at the program, and where the run ends with it in `output`.

    Raises:
        Problem: a mistake in the recipe, its model or data, or `output` holds another run.
        CheckFailed: parity or the accuracy floor does not hold; the report was written.
    """
    clock = Clock(watch or Watch())
    examine(output, loaded.text, resume=resume, overwrite=overwrite)
    seed_everything(loaded.recipe.seed)
    look = look or Look()
    job = _start(loaded, output, clock, look)
    job.report.command = command
    if look.stop in point_names(loaded)[: len(loaded.recipe.passes)]:
        return _stopped(job)
    _finish(job, output, look, resume=resume)
    return job.report


def _finish(job: Job, output: Path, look: Look, *, resume: bool) -> None:
    """All that comes after the passes, until `look` ends it."""
    recipe = job.loaded.recipe
    given = given_teacher(recipe, job.setup)
    work = claim(output, job.loaded.text, resume=resume, command=job.report.command)
    learn(job, given, work, resume)
    _fold(job, look)
    if look.stop:
        _stopped(job)
    else:
        _evaluate(job)
        _export(job)
        _keep(job)
    shutil.rmtree(work)
    if not look.stop and recipe.train is not None and recipe.train.accuracy_floor is not None:
        hold_to_floor(job.report, recipe.train.accuracy_floor)


def _stopped(job: Job) -> RunReport:
    """Keep the program of a run that ends here."""
    job.report.passes = [step.told() for step in job.steps]
    save(job.setup.program, job.output, job.setup.source)
    return job.report


def _start(loaded: Loaded, output: Path, clock: Clock, look: Look) -> Job:
    """Capture and run the passes, before anything takes long: their mistakes show in seconds."""
    require_trackers(loaded)
    setup = prepare(loaded.recipe, clock, at=loaded.at)
    dense = setup.program.clone()
    with clock.phase("passes"):
        if START in look.after:
            look.show(START, setup.program)
        steps = apply(
            look.upto(loaded, loaded.recipe.passes, 0),
            setup.program,
            after=look.watching(loaded, setup.program, clock.watch.passed, 0),
            at=partial(loaded.at_pass, "passes"),
        )
    require_fit(loaded, setup, dense)
    report = RunReport(
        recipe=loaded.name,
        model=setup.source.name,
        seed=loaded.recipe.seed,
        versions=versions(),
        machine=machine(),
        self_test=setup.tested,
        dense_cost=cost(dense),
        notes=[*setup.source.notes, *(setup.dataset.notes if setup.dataset else [])],
    )
    return Job(loaded, output, clock, setup, dense, steps, report)


def _fold(job: Job, look: Look) -> None:
    """Run the passes of the export, count zeros, and move to where ONNX files are made."""
    loaded, program = job.loaded, job.setup.program
    count = len(loaded.recipe.passes)
    pruned = list(program.masks())
    with job.clock.phase("fold"):
        job.steps += apply(
            look.upto(loaded, loaded.recipe.export.passes, count),
            program,
            after=look.watching(loaded, program, job.clock.watch.passed, count),
            at=partial(loaded.at_pass, "export", "passes"),
        )
    job.report.passes = [step.told() for step in job.steps]
    measure_zeros(job.report, program, pruned)
    job.report.sparse_cost = cost(program)
    for each in (job.dense, program):
        each.to(torch.device("cpu"))


def _evaluate(job: Job) -> None:
    if job.setup.validation is not None:
        with job.clock.phase("evaluate"):
            evaluate_both(job.report, job.setup, job.dense, job.clock.watch)


def _export(job: Job) -> None:
    """Export both programs, check them in ONNX Runtime, and time them."""
    settings, setup, report = job.loaded.recipe.export, job.setup, job.report
    dense, sparse, quantized = (job.output / name for name in (DENSE, SPARSE, QUANTIZED))
    watch, length = job.clock.watch, usual_length(setup, job.loaded.recipe.data)
    with job.clock.phase("export"):
        checked_export(job.dense, dense, settings, setup.longest, dense=True)
        made = checked_export(setup.program, sparse, settings, setup.longest, sequence=length)
        sizes = usual_sizes(setup.program, length)
        note_export(report, made)
        if settings.quantize:
            report.quantized = quantized_export(
                setup.program, quantized, settings, setup.longest, sizes
            )
        save(setup.program, job.output, setup.source)
        report.bytes_dense = inspect_onnx(dense).size_bytes
        report.bytes_sparse = inspect_onnx(sparse).size_bytes
    if setup.validation is not None:
        with job.clock.phase("check"):
            report.dense_onnx = onnx_scores(setup.validation, dense)
            report.sparse_onnx = onnx_scores(setup.validation, sparse)
            if settings.quantize:
                report.quantized_onnx = onnx_scores(setup.validation, quantized)
    if settings.bench:
        with job.clock.phase("bench"):
            watch.begin("bench", ROUNDS)
            report.latency = bench(
                [dense, sparse, *([quantized] if settings.quantize else [])],
                sequence=length,
                sizes=own_sizes(setup.program.inputs, setup.program.dynamic),
                rounds=ROUNDS,
                progress=lambda done, _all: watch.advance("bench", done, {}),
            )


def _keep(job: Job) -> None:
    """Write the recipe, the history and, last of all, the report."""
    job.report.phases = job.clock.phases
    keep_history(job.output, job.history)
    keep_recipe(job.output, job.loaded.text)
    keep_card(job.output, job.report, job.loaded)
    job.report.save(job.output / REPORT)
