"""`sparsify.train`: a model of the user's own learns from batches of its own, as a recipe says."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn
from transformers import TrainingArguments

from sparsify.errors import Problem
from sparsify.models.source import quiet
from sparsify.recipe import Recipe, Train
from sparsify.report import REPORT, RunReport, Scores
from sparsify.run.clock import Clock
from sparsify.run.folder import claim, examine, keep_history, keep_recipe, seed_everything
from sparsify.run.measuring import measure_zeros
from sparsify.run.surroundings import machine, versions
from sparsify.run.trackers import tracking
from sparsify.schema import to_yaml
from sparsify.schema.said import Said, read
from sparsify.training import checkpoint
from sparsify.training.driver import Where, arguments, tenth
from sparsify.training.own_batches import Loss
from sparsify.training.own_recording import Evaluate, RecordingTrainer
from sparsify.training.reading import best_precision
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

    Of the recipe `passes`, `train` and `seed` count. See docs/python.md.

    Args:
        recipe: a recipe, its name or file, its values, or a list of its passes.
        model: any module that can be captured.
        batches: a DataLoader, or a list of mappings or tuples of tensors, labels last.
        teacher: the fine-tuned model that `distill` compares with.
        loss: a scalar from what the model returns and the labels; left out, the model's own.
        evaluate: figures of the model, asked for every `train.evaluate_every` steps.
        folder: for checkpoints, `recipe.yaml`, `history.json` and `report.json`.
        resume: continue an interrupted training, to the same weights, bit for bit.
        overwrite: replace what a run left in `folder`.
        watch: told of everything that happens.

    Raises:
        Problem: a mistake, a pass that cannot be used here, or `folder` holds another run.
    """
    job = _Job(read(recipe), model, batches, Path(folder), Clock(watch or Watch()))
    job.start(resume=resume, overwrite=overwrite)
    job.train(teacher, loss, evaluate, resume=resume)
    return job.finish(recipe if isinstance(recipe, str) else "recipe")


@dataclass
class _Job:
    """One training on its way."""

    recipe: Recipe
    model: nn.Module
    batches: Collection[Any]
    output: Path
    clock: Clock
    text: str = field(init=False)
    """The resolved recipe."""
    steps: int = field(init=False)
    work: Path = field(init=False)
    trainer: RecordingTrainer = field(init=False)

    @property
    def settings(self) -> Train:
        return self.recipe.train or Train()

    def start(self, *, resume: bool, overwrite: bool) -> None:
        """Hold the folder to what is asked, and seed everything."""
        self.text = to_yaml(self.recipe)
        self.steps = _steps(self.settings, self.batches)
        examine(self.output, self.text, resume=resume, overwrite=overwrite)
        seed_everything(self.recipe.seed)
        self.work = claim(self.output, self.text, resume=resume)

    def train(
        self,
        teacher: nn.Module | None,
        loss: Loss | None,
        evaluate: Evaluate | None,
        *,
        resume: bool,
    ) -> None:
        """Go through every step, or through those that are left."""
        start = checkpoint.latest(self.work) if resume else None
        if start is not None:
            checkpoint.require(start)
        with self.clock.phase("train"), tracking(self.output / "logs"), quiet():
            self.trainer = RecordingTrainer(
                self.model,
                self._arguments(),
                self.batches,
                self.settings,
                loss,
                recipe=self.recipe,
                teacher=teacher,
                evaluate=evaluate,
                every=self.settings.evaluate_every or tenth(self.steps),
                watch=self.clock.watch,
            )
            self.trainer.train(resume_from_checkpoint=str(start) if start else None)

    def _arguments(self) -> TrainingArguments:
        settings, device = self.settings, next(self.model.parameters()).device
        run = Where(self.work, self.steps, device, best_precision(settings.precision, device))
        found = arguments(
            settings,
            run,
            self.recipe.seed,
            settings.checkpoint_every,
            settings.report_to,
            settings.log_every,
        )
        # the batches themselves go on where a resumed run was
        found.ignore_data_skip = True
        return found

    def finish(self, name: str) -> RunReport:
        """Write what came of it, the report last."""
        run, kept = self.trainer.run, self.trainer.kept
        assert run is not None
        found = self.trainer.judged()
        report = RunReport(
            recipe=name,
            sparse=Scores(main=next(iter(found)), values=found) if found else None,
            model=type(self.model).__name__,
            seed=self.recipe.seed,
            versions=versions(),
            machine=machine(),
            passes=[step.told() for step in run.passes],
            phases=self.clock.phases,
            history=kept.points,
        )
        measure_zeros(report, run.student, list(run.student.masks()))
        keep_history(self.output, kept.history)
        keep_recipe(self.output, self.text)
        report.save(self.output / REPORT)
        shutil.rmtree(self.work)
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
        raise Problem("the training data holds no batch", hint="give one that has rows")
    epochs = 3.0 if settings.epochs is None else settings.epochs
    return settings.steps or max(1, round(epochs * count))
