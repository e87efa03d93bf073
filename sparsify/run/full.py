"""A whole run: teacher, passes, training, export, checks, latencies, and the report of it all."""

from __future__ import annotations

import shutil
from pathlib import Path

from sparsify.errors import CheckFailed, Problem
from sparsify.export import inspect_onnx
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.recipe import Recipe, Train
from sparsify.report import Point, Report
from sparsify.run.clock import Clock
from sparsify.run.exporting import checked_export, save_checkpoint
from sparsify.run.folder import claim, seed_everything
from sparsify.run.measuring import evaluate_both, measure_zeros, onnx_scores
from sparsify.run.setup import Setup, needs_teacher, prepare
from sparsify.run.surroundings import machine, versions
from sparsify.run.teacher import session, teacher
from sparsify.runtime import bench
from sparsify.schema import Loaded
from sparsify.training import train
from sparsify.watch import Watch

DENSE = "dense.onnx"
SPARSE = "model.onnx"


def run(
    loaded: Loaded,
    output: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> Report:
    """Do what the recipe says and leave the result in `output`.

    Args:
        loaded: the recipe.
        output: the folder for `model.onnx`, the checkpoint, `recipe.yaml` and `report.json`.
        resume: continue where an interrupted run in `output` was; the result is the same.
        overwrite: replace what a run left in `output`.
        watch: told of everything that happens.

    Raises:
        Problem: a mistake in the recipe, its model or data, or `output` holds another run.
        CheckFailed: parity or the accuracy floor does not hold; the report was written.
    """
    watch = watch or Watch()
    recipe = loaded.recipe
    work = claim(output, loaded.text, resume=resume, overwrite=overwrite)
    seed_everything(recipe.seed)
    clock = Clock(watch)
    with clock.phase("capture"):
        setup = prepare(recipe, watch)
    report = Report(
        recipe=loaded.name,
        model=setup.source.name,
        seed=recipe.seed,
        versions=versions(),
        machine=machine(),
        self_test=setup.tested,
        warnings=[] if setup.dataset is None else list(setup.dataset.notes),
    )
    program = setup.program
    dense = program.clone()
    if recipe.teacher is not None:
        _require_data(recipe, setup, "teacher")
        with clock.phase("teacher"):
            dense = teacher(recipe, setup, work, resume=resume, watch=watch)
    with clock.phase("passes"):
        steps = apply(recipe.passes, program, after=watch.passed)
    if recipe.train is None and program.plan.duties:
        raise Problem(
            f"{program.plan.duties[0].name} works while training, and the recipe does not train",
            hint="add a `train` section",
        )
    if recipe.train is not None:
        _require_data(recipe, setup, "train")
        with clock.phase("train"):
            report.history = _train(recipe, recipe.train, setup, dense, work, resume, watch)
    pruned = list(program.masks())
    with clock.phase("fold"):
        steps += apply(recipe.export.passes, program, after=watch.passed)
    report.passes = [step.told() for step in steps]
    measure_zeros(report, program, pruned)
    with clock.phase("evaluate"):
        evaluate_both(report, setup, dense, watch)
    _export(recipe, report, setup, dense, output, clock, watch)
    report.phases = clock.phases
    (output / "recipe.yaml").write_text(loaded.text)
    report.save(output / "report.json")
    shutil.rmtree(work, ignore_errors=True)
    _hold_to_floor(recipe, report)
    return report


def _require_data(recipe: Recipe, setup: Setup, section: str) -> None:
    if setup.dataset is None:
        raise Problem(f"`{section}` needs data", where=section, hint="add a `data` section")


def _train(
    recipe: Recipe,
    settings: Train,
    setup: Setup,
    dense: Program,
    work: Path,
    resume: bool,
    watch: Watch,
) -> list[Point]:
    if needs_teacher(setup.program) and recipe.teacher is None:
        names = ", ".join(d.name for d in setup.program.plan.duties if d.teacher_taps)
        raise Problem(
            f"{names} needs a teacher", where="teacher", hint="add `teacher: {}` to fine-tune one"
        )
    of_run = session(setup.program, dense, setup, settings, work / "student", recipe.seed, watch)
    return train(
        of_run,
        settings,
        task_weight=settings.task_weight,
        evaluate_every=settings.evaluate_every,
        checkpoint_every=settings.checkpoint_every,
        resume=resume,
        seed=recipe.seed,
    )


def _export(
    recipe: Recipe,
    report: Report,
    setup: Setup,
    dense: Program,
    output: Path,
    clock: Clock,
    watch: Watch,
) -> None:
    with clock.phase("export"):
        checked_export(dense, output / DENSE, recipe.export)
        report.parity = checked_export(setup.program, output / SPARSE, recipe.export)
        save_checkpoint(setup, output)
        report.bytes_dense = inspect_onnx(output / DENSE).size_bytes
        report.bytes_sparse = inspect_onnx(output / SPARSE).size_bytes
    if setup.validation is not None:
        with clock.phase("check"):
            report.dense_onnx = onnx_scores(setup.validation, output / DENSE)
            report.sparse_onnx = onnx_scores(setup.validation, output / SPARSE)
    if recipe.export.bench:
        with clock.phase("bench"):
            rounds = 30
            watch.begin("bench", rounds)
            report.latency = bench(
                [output / DENSE, output / SPARSE],
                sequence=128 if recipe.data is None else min(128, recipe.data.max_length),
                rounds=rounds,
                progress=lambda done, _all: watch.advance("bench", done, {}),
            )


def _hold_to_floor(recipe: Recipe, report: Report) -> None:
    floor = None if recipe.train is None else recipe.train.accuracy_floor
    if floor is None or report.dense is None or report.sparse_onnx is None:
        return
    kept = report.sparse_onnx.values[report.dense.main] / report.dense.values[report.dense.main]
    if kept < floor:
        raise CheckFailed(
            f"the sparse model keeps {kept:.1%} of the dense {report.dense.main}, "
            f"less than train.accuracy_floor {floor:.1%}"
        )
