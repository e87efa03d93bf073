"""What happens around the Trainer's steps: following them, evaluating, sealing checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from sparsify.report import Point
from sparsify.training import checkpoint

if TYPE_CHECKING:
    from sparsify.training.trainer import SparseTrainer


class Follow(TrainerCallback):
    """Tells the watch how training goes, and evaluates at intervals."""

    def __init__(self, trainer: SparseTrainer, every: int) -> None:
        self.trainer = trainer
        self.every = every

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Let the duties begin, or continue from the checkpoint that was loaded."""
        session = self.trainer.session
        step = session.start = state.global_step
        for duty in session.duties:
            duty.begin(session)
        if step:
            folder = Path(args.output_dir) / f"checkpoint-{step}"
            self.trainer.restore_duties(folder, step)
        session.watch.follow(session.history)
        session.watch.begin("train", session.steps, step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        session = self.trainer.session
        assert self.trainer.lr_scheduler is not None
        rate = float(self.trainer.lr_scheduler.get_last_lr()[0])
        figures = {**self.trainer.losses(), "learning_rate": rate}
        self.trainer.recorder.step_done(state.global_step, figures)
        session.watch.advance("train", state.global_step, self.trainer.figures())
        if state.global_step % self.every == 0 or state.global_step == session.steps:
            self._evaluate(state.global_step)

    def _evaluate(self, step: int) -> None:
        session = self.trainer.session
        judge = session.judged(session.student)
        scores = judge.scores()
        session.history.evaluations.add(step, scores.values)
        if self.trainer.args.report_to:
            self.trainer.log({f"eval_{name}": value for name, value in scores.values.items()})
        values = {scores.main: scores.values[scores.main], **self.trainer.figures()}
        self.trainer.history.append(Point(step=step, values=values))
        session.watch.evaluated(step, values)
        if not session.labels.is_floating_point() and (sentence := judge.collapsed()):
            session.watch.warn(f"step {step}: {sentence}")


class Seal(TrainerCallback):
    """Adds our own state to a checkpoint, and seals it."""

    def __init__(self, trainer: SparseTrainer) -> None:
        self.trainer = trainer

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        self.trainer.keep_duties(folder)
        checkpoint.seal(folder)
