"""A Trainer for a model of the user's own that keeps its curves, and seals its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback

from sparsify.dropout import dropping
from sparsify.history import History
from sparsify.plan import Duty
from sparsify.report import Point
from sparsify.training import checkpoint
from sparsify.training.kept import Kept, read_kept
from sparsify.training.own_batches import PlainTrainer
from sparsify.training.own_run import OwnRun
from sparsify.training.own_trainer import SparsifyTrainerMixin
from sparsify.training.randomness import same_random_state
from sparsify.training.recorder import Recorder
from sparsify.training.told import Told, follow, require_finite, silence
from sparsify.watch import Watch

Evaluate = Callable[[nn.Module], Mapping[str, float]]
"""Figures of a model by name, the one that decides first."""


class RecordingTrainer(Told, SparsifyTrainerMixin, PlainTrainer):
    """Trains as a recipe says; `kept` grows with the run."""

    def __init__(
        self, *args: Any, evaluate: Evaluate | None, every: int, watch: Watch, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.judge, self.every, self.watch = evaluate, every, watch
        self._keep(Kept(points=[], terms={}, history=History()))
        self.run: OwnRun | None = None
        """The run that goes on, or the last one."""
        silence(self)
        self.add_callback(_Record(self))

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """As above, with the dropout of the recipe."""
        with ExitStack() as self.ends:
            return super().train(*args, **kwargs)

    def _start(self, model: nn.Module) -> None:
        super()._start(model)
        assert self.own_run is not None
        self.ends.enter_context(dropping(self.own_run.program, self.settings.dropout))

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """As above, and the end where it is no number any more."""
        found = super().compute_loss(*args, **kwargs)
        loss: Tensor = found[0] if isinstance(found, tuple) else found
        require_finite(loss, self.state.global_step)
        return found

    def judged(self) -> dict[str, float]:
        """What the user finds of the model as it is; empty where nobody asks."""
        if self.judge is None or self.model is None:
            return {}
        training = self.model.training
        with same_random_state(), torch.no_grad():
            found = dict(self.judge(self.model.eval()))
        self.model.train(training)
        return found

    def owed(self) -> Iterable[Duty]:
        """What the passes owe the run."""
        return self.run.duties if self.run else ()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self._keep(read_kept(Path(resume_from_checkpoint)))

    def _keep(self, kept: Kept) -> None:
        """Go on with these figures."""
        self.kept, self.terms = kept, kept.terms


class _Record(TrainerCallback):
    """Keeps the figures of each step, and what a checkpoint must have to go on with them."""

    def __init__(self, trainer: RecordingTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        trainer = self.trainer
        assert trainer.own_run is not None
        run = trainer.run = trainer.own_run
        run.history = trainer.kept.history
        run.history.steps = run.steps
        run.recorder = Recorder(run)
        trainer.watch.follow(run.history)
        trainer.watch.begin("train", run.steps, state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        trainer, run = self.trainer, self.trainer.run
        assert run is not None
        assert run.recorder is not None
        assert trainer.lr_scheduler is not None
        follow(trainer.terms, run.losses)
        rate = float(trainer.lr_scheduler.get_last_lr()[0])
        run.recorder.step_done(state.global_step, {**trainer.losses(), "learning_rate": rate})
        trainer.watch.advance("train", state.global_step, trainer.figures())
        if state.global_step % trainer.every == 0 or state.global_step == run.steps:
            self._evaluate(state.global_step)

    def _evaluate(self, step: int) -> None:
        trainer = self.trainer
        if not (found := trainer.judged()):
            return
        trainer.kept.history.evaluations.add(step, found)
        if trainer.args.report_to:
            trainer.log({f"eval_{name}": value for name, value in found.items()})
        values = {**found, **trainer.figures()}
        trainer.kept.points.append(Point(step=step, values=values))
        trainer.watch.evaluated(step, values)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        self.trainer.kept.write(folder)
        checkpoint.seal(folder)
