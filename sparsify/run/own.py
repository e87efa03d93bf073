"""`sparsify.train`: a model of the user's own learns from batches of its own, as a recipe says."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from torch import nn
from transformers import TrainingArguments

from sparsify.errors import Problem
from sparsify.models.source import quiet
from sparsify.recipe import Recipe, Train
from sparsify.report import REPORT, RunReport
from sparsify.run.clock import Clock
from sparsify.run.folder import claim, examine, keep_history, keep_recipe, seed_everything
from sparsify.run.measuring import measure_zeros
from sparsify.run.surroundings import machine, versions
from sparsify.run.trackers import tracking
from sparsify.schema import to_yaml
from sparsify.schema.said import Said, read
from sparsify.training import checkpoint
from sparsify.training.driver import arguments, tenth
from sparsify.training.own_batches import Loss
from sparsify.training.own_recording import Evaluate, RecordingTrainer
from sparsify.training.session import best_precision
from sparsify.watch import Watch


def train(
    recipe: Said,
    model: nn.Module,
    batches: Collection[Any],
    *,
    teacher: nn.Module | None = None,
    loss: Loss | None = None,
    evaluate: Evaluate | None = None,
    folder: Path | str = "out/train",
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> RunReport:
    """Train `model`, in place, while the passes of `recipe` prune it; its weights end with zeros.

    Of the recipe `passes`, `train` and `seed` count. Passes that ask which rows a batch holds
    (`contrast`), or that change the structure, do not work here.

    Args:
        recipe: a recipe, its name or file, its values, or a list of its passes.
        model: any module that can be captured.
        batches: such as a DataLoader: it has a length, and each time it is gone through it gives
            mappings or tuples of tensors, labels last.
        teacher: the fine-tuned model that `distill` compares with; it takes the same batches.
        loss: of what the model returns and the labels, a scalar. Left out, it is the model's own
            where its forward takes `labels`; else cross-entropy for whole numbers, and squared
            error for others.
        evaluate: figures of the model by name, asked for every `train.evaluate_every` steps, in
            eval mode and without gradients: the masks hold.
        folder: for checkpoints, the resolved recipe, `history.json` and `report.json`.
        resume: continue an interrupted training in `folder`, to the same weights, bit for bit.
        overwrite: replace what a run left in `folder`.
        watch: told of everything that happens.

    Returns:
        What `report.json` holds: what the passes did, the sparsity of every weight, the course.

    Raises:
        Problem: a mistake in the recipe or the batches, a pass that cannot be used here, or
            `folder` holds another run.
    """
    settings, output = read(recipe), Path(folder)
    optimization, text = settings.train or Train(), to_yaml(settings)
    steps = _steps(optimization, batches)
    examine(output, text, resume=resume, overwrite=overwrite)
    seed_everything(settings.seed)
    work = claim(output, text, resume=resume)
    start = checkpoint.latest(work) if resume else None
    if start is not None:
        checkpoint.require(start)
    clock = Clock(watch or Watch())
    with clock.phase("train"), tracking(output / "logs"), quiet():
        trainer = RecordingTrainer(
            model,
            _arguments(model, work, steps, settings, optimization),
            batches,
            optimization,
            loss,
            recipe=settings,
            teacher=teacher,
            evaluate=evaluate,
            every=optimization.evaluate_every or tenth(steps),
            watch=clock.watch,
        )
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    assert trainer.run is not None
    report = RunReport(
        recipe=recipe if isinstance(recipe, str) else "recipe",
        model=type(model).__name__,
        seed=settings.seed,
        versions=versions(),
        machine=machine(),
        passes=[step.told() for step in trainer.run.passes],
        phases=clock.phases,
        history=trainer.kept.points,
    )
    measure_zeros(report, trainer.run.student, list(trainer.run.student.masks()))
    keep_history(output, trainer.kept.history)
    keep_recipe(output, text)
    report.save(output / REPORT)
    shutil.rmtree(work)
    return report


def _steps(settings: Train, batches: Collection[Any]) -> int:
    """How many steps the training takes.

    Raises:
        Problem: there is no batch, nobody knows how many there are, or weights are to be frozen.
    """
    if settings.freeze:
        hint = "set `requires_grad` of its parameters to False"
        raise Problem("`train.freeze` is not for a model of your own", hint=hint)
    try:
        count = len(batches)
    except TypeError:
        what = f"{type(batches).__name__} does not tell how many batches it has"
        raise Problem(what, hint="give a DataLoader or a list") from None
    if not count:
        raise Problem("the training data holds no batch")
    epochs = 3.0 if settings.epochs is None else settings.epochs
    return settings.steps or max(1, round(epochs * count))


def _arguments(
    model: nn.Module, work: Path, steps: int, recipe: Recipe, settings: Train
) -> TrainingArguments:
    device = next(model.parameters()).device
    found = arguments(
        settings,
        folder=work,
        steps=steps,
        device=device,
        precision=best_precision(settings.precision, device),
        seed=recipe.seed,
        checkpoint_every=settings.checkpoint_every,
        report_to=settings.report_to,
        log_every=settings.log_every,
    )
    # the batches themselves go on where a resumed run was
    found.ignore_data_skip = True
    return found
