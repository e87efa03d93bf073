"""The user's own Hugging Face Trainer, with the duties of a recipe around each of its steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback

from sparsify.batches import resized
from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.schema.said import Said, read
from sparsify.training.own_forward import OwnForward
from sparsify.training.own_run import OwnRun
from sparsify.training.randomness import same_random_state

if TYPE_CHECKING:
    Above = Trainer
else:
    Above = object


class SparsifyTrainerMixin(Above):
    """Gradual pruning and distillation in a Trainer of your own.

    `class SparseTrainer(SparsifyTrainerMixin, Trainer)` takes what its Trainer takes, and a recipe.
    It is no callback, for a callback can add neither a loss nor parameters to the optimizer. From
    `train` until its end the model computes with masked weights; then the zeros are in the model's
    own weights, and everything is as before: `save_model`, `evaluate`, `predict`, `pipeline`.
    A `compute_loss` of your own belongs into the class that is mixed with, not into the mixture.

    Of the recipe `passes` and `train.task_weight` count; rates, steps and data are the Trainer's.
    One process on one device.

    Args:
        recipe: a recipe, its name or file, or a list of passes as they stand in YAML.
        teacher: the fine-tuned model that `distill` compares with; takes the same batches.

    Raises:
        Problem: a mistake in the recipe, a pass that needs a teacher or cannot be used here, or a
            checkpoint of another run.
    """

    def __init__(
        self, *args: Any, recipe: Said, teacher: nn.Module | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if self.args.world_size > 1 or self.args.n_gpu > 1:
            what = "masks are kept by one process on one device, and here are several"
            raise Problem(what, hint="start one process, with CUDA_VISIBLE_DEVICES=0")
        # each batch's loss is its own mean: the program is called with tensors of the batch only
        self.model_accepts_loss_kwargs = False
        self.recipe = read(recipe)
        self.teacher = teacher
        self.own_run: OwnRun | None = None
        self.own_forward: OwnForward | None = None
        self.add_callback(_Around(self))

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """As the Trainer's own; the masks are written into the model's weights at its end."""
        assert self.model is not None
        with same_random_state():
            self._start(self.model)
        try:
            return super().train(*args, **kwargs)
        finally:
            self.own_run = self.own_forward = None
            self.model.__dict__.pop("forward", None)

    def _start(self, model: nn.Module) -> None:
        """Capture the model on what reaches it, and run the passes."""
        inputs, dynamic = resized(self._what_reaches(model))
        student = capture(model, inputs, dynamic)
        steps = apply(self.recipe.passes, student)
        if student.edits:
            raise Problem(
                f"{student.edits[0].kind!r} changes the structure of the model that is trained",
                hint="remove structure afterwards, with `sparsify.apply`",
            )
        taught = [duty.name for duty in student.plan.duties if duty.teacher_taps]
        if taught and self.teacher is None:
            raise Problem(f"`{taught[0]}` needs a teacher", hint="give a fine-tuned `teacher=`")
        teacher: Program | None = None
        if taught and self.teacher is not None:
            teacher = capture(self.teacher.to(self.args.device), inputs, dynamic)
        folder = Path(self.args.output_dir or ".")
        self.own_run = OwnRun(student, teacher, folder, lambda: self.state.max_steps)
        self.own_run.passes = steps
        self.own_forward = OwnForward(model, self.own_run)
        model.forward = self.own_forward

    def _what_reaches(self, model: nn.Module) -> dict[str, Tensor]:
        """The tensors that the Trainer calls the model with, for the first batch."""
        seen: dict[str, Any] = {}

        class _Seen(Exception):
            pass

        def forward(**kwargs: Any) -> None:
            seen.update(kwargs)
            raise _Seen

        forward.__wrapped__ = type(model).forward.__get__(model)  # type: ignore[attr-defined]
        batch = self._prepare_inputs(next(iter(self.get_train_dataloader())))
        model.forward = forward
        try:
            super().compute_loss(model, batch)
        except _Seen:
            pass
        finally:
            del model.forward
        return {name: value for name, value in seen.items() if isinstance(value, Tensor)}

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """The Trainer's own, with a group for what each duty learns, at its rate."""
        fresh = self.optimizer is None
        optimizer = super().create_optimizer(model)
        if self.own_run is not None:
            if self.own_run.rates and not fresh:
                raise Problem(
                    "the recipe learns scores or projections, and the optimizer is there already",
                    hint="leave `optimizers` out, and make a Trainer for each `train`",
                )
            for tensors, rate in zip(self.own_run.learned, self.own_run.rates, strict=True):
                group = {"params": list(tensors.parameters()), "lr": rate, "weight_decay": 0.0}
                optimizer.add_param_group(group)
        return optimizer

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """The duties before a step, forward and backward, and the duties after it."""
        run = self.own_run
        if run is not None:
            run.before_step(self.state.global_step)
        loss = super().training_step(*args, **kwargs)
        if run is not None and self.accelerator.sync_gradients:
            run.after_backward()
        return loss

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The Trainer's own loss, and in training what the duties add to it."""
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        run, forward = self.own_run, self.own_forward
        if run is not None and forward is not None and model.training:
            weight = 1.0 if self.recipe.train is None else self.recipe.train.task_weight
            terms = run.terms(self.state.global_step, forward.inputs, forward.values)
            run.losses = {"task": weight * loss, **terms}
            loss = torch.stack(list(run.losses.values())).sum()
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """The Trainer's own figures, and those of the duties, such as `sparsity_fraction`."""
        for duty in self.own_run.duties if self.own_run else ():
            logs = logs | duty.facts()
        super().log(logs, *args, **kwargs)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.own_run is not None:
            self.own_run.restore(Path(resume_from_checkpoint))


class _Around(TrainerCallback):
    """What happens at the beginning, at checkpoints, and at the end."""

    def __init__(self, trainer: SparsifyTrainerMixin) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if (run := self.trainer.own_run) is not None:
            run.begin(state.global_step, Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if (run := self.trainer.own_run) is not None:
            run.keep(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if (run := self.trainer.own_run) is None:
            return
        if args.load_best_model_at_end and state.best_model_checkpoint:
            run.restore(Path(state.best_model_checkpoint))
        elif state.global_step == run.steps:
            run.before_step(run.steps)
        run.fold()
