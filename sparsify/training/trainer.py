"""The Hugging Face Trainer, with the loss and the duties of our plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from sparsify.plan import Duty, Moment
from sparsify.recipe import Optimization
from sparsify.report import Point
from sparsify.training.callbacks import Follow, Seal
from sparsify.training.kept import Kept, read_kept
from sparsify.training.rates import restart, scheduler
from sparsify.training.reading import attention
from sparsify.training.recorder import Recorder
from sparsify.training.session import Session
from sparsify.training.states import restore, states
from sparsify.training.student import Student, losses
from sparsify.training.told import Told, follow, require_finite, silence

WEIGHTS = "model.safetensors"
DUTIES = "duties.safetensors"


class Rows:
    """The rows of every step, as a batch sampler."""

    def __init__(self, batches: Sequence[Tensor]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return (rows.tolist() for rows in self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class SparseTrainer(Told, Trainer):
    """Does the duties around every step, and takes the loss from them."""

    def __init__(
        self,
        session: Session,
        task_weight: float,
        evaluate_every: int,
        arguments: TrainingArguments,
        settings: Optimization,
    ) -> None:
        self.session = session
        self.task_weight = task_weight
        self.settings = settings
        self.terms: dict[str, float] = {}
        self.history: list[Point] = []
        self.recorder = Recorder(session)
        self.learner = Student(session)
        super().__init__(model=self.learner, args=arguments)
        silence(self)
        self.add_callback(Follow(self, evaluate_every))
        self.add_callback(Seal(self))

    def owed(self) -> Sequence[Duty]:
        """What the passes owe the run."""
        return self.session.duties

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Exactly the batches of the session, in their order."""
        loader: DataLoader[Any] = DataLoader(
            range(len(self.session.data)),  # type: ignore[arg-type]
            batch_sampler=Rows(self.session.batches),
            collate_fn=self._collate,
            # a loader without its own generator would advance the global random state
            generator=torch.Generator(),
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def _collate(self, rows: list[int]) -> dict[str, Any]:
        index = torch.tensor(rows)
        return {
            "inputs": self.session.data.batch(index),
            "rows": index,
            "targets": self.session.data.targets(index),
        }

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW over the weights and over what the duties learn, each at its rate."""
        if self.optimizer is None:
            groups = self.learner.groups(self.settings.learning_rate, self.settings.weight_decay)
            self.optimizer = torch.optim.AdamW(groups, eps=1e-8, fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        """The rates of the settings."""
        if self.lr_scheduler is None:
            chosen = self.create_optimizer()
            self.lr_scheduler = scheduler(chosen, self.settings, num_training_steps)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> Tensor:
        """The duties before the step, forward and backward, and the duties after it."""
        restart(self.create_optimizer(), self.settings, self.state.global_step, self.session.steps)
        self.do_duties(self.state.global_step)
        with attention(self.args.device, self.session.precision):
            loss = super().training_step(model, inputs, num_items_in_batch)
        for duty in self.session.duties:
            duty.after_backward()
        return loss

    def do_duties(self, step: int) -> None:
        """What the duties do before step `step`, and once more after the last."""
        self.recorder.before_step(step)
        for duty in self.session.duties:
            duty.before_step(self.session, step)
        self.recorder.masks_written(step)

    def compute_loss(
        self,
        model: Any,
        inputs: Mapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The sum of the task's loss and the duties' terms."""
        rows = inputs["rows"].cpu()
        given = inputs["inputs"]
        mask = given.get("attention_mask")
        values = model(given)
        moment = Moment(
            self.state.global_step,
            rows,
            inputs["targets"],
            values,
            self.session.taught(rows, given),
            None if mask is None else mask.bool(),
        )
        terms = losses(self.session, moment, self.task_weight)
        total = torch.stack(list(terms.values())).sum()
        self.follow_terms(terms, total)
        return (total, values) if return_outputs else total

    def follow_terms(self, terms: Mapping[str, Tensor], total: Tensor) -> None:
        """Keep a running mean of every term, and stop when the loss is no number."""
        require_finite(total, self.state.global_step)
        follow(self.terms, terms)

    def _save(
        self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None
    ) -> None:
        """Everything learned and masked as safetensors; the base class would pickle settings."""
        folder = Path(output_dir or self.session.folder)
        folder.mkdir(parents=True, exist_ok=True)
        state = self.learner.state_dict()
        save_file({name: t.contiguous() for name, t in state.items()}, folder / WEIGHTS)

    def keep_duties(self, folder: Path) -> None:
        """Write what the duties must know to continue, and the history."""
        save_file(states(self.session.duties), folder / DUTIES)
        kept = Kept(points=self.history, terms=self.terms, history=self.session.history)
        kept.write(folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        self.learner.load_state_dict(load_file(folder / WEIGHTS))
        kept = read_kept(folder)
        self.history, self.terms = kept.points, kept.terms
        self.session.history = kept.history

    def restore_duties(self, folder: Path, step: int) -> None:
        """Hand each duty the state that it had before `step`."""
        restore(self.session.duties, self.session, load_file(folder / DUTIES), step)
