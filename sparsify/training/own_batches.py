"""A Trainer for any module and any batches: the rows as they come, and the loss of the task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils import _pytree as pytree
from torch.utils.data import DataLoader, IterableDataset
from transformers import Trainer, TrainingArguments

from sparsify.batches import LABELS, by_name, parameter_names
from sparsify.errors import Problem
from sparsify.recipe import Optimization
from sparsify.task_loss import task_loss
from sparsify.training.randomness import same_random_state
from sparsify.training.rates import restart, scheduler

Loss = Callable[[Any, Any], Tensor]
"""From what the model returns, and the labels of the batch."""


class Endless(IterableDataset[dict[str, Tensor]]):
    """Epoch after epoch of a user's batches, by name, from a step on.

    An epoch is shuffled by its number, whatever was drawn before, so that a run which is resumed
    sees the same batches.
    """

    def __init__(
        self, batches: Collection[Any], model: nn.Module, seed: int, start: Callable[[], int]
    ) -> None:
        self.batches, self.seed, self.start = batches, seed, start
        self.names, self.required = parameter_names(model)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        first, done = divmod(self.start(), len(self.batches))
        for epoch in count(first):
            yield from self._epoch(epoch, done if epoch == first else 0)

    def _epoch(self, epoch: int, done: int) -> Iterator[dict[str, Tensor]]:
        with same_random_state():
            torch.manual_seed(self.seed + epoch)
            rest = islice(self.batches, done, None)
            batch = next(rest, None)
        while batch is not None:
            yield by_name(batch, self.names, [n for n in self.required if n not in LABELS])
            batch = next(rest, None)


class PlainTrainer(Trainer):
    """Trains `model` on batches as they come, at the rates of a recipe.

    The loss is the model's own where its forward takes labels and returns a `loss`; else `loss` of
    what it returns and the labels; else that of the task: cross-entropy or squared error.
    """

    def __init__(
        self,
        model: nn.Module,
        arguments: TrainingArguments,
        batches: Collection[Any],
        settings: Optimization,
        loss: Loss | None,
        **others: Any,
    ) -> None:
        self.settings, self.loss = settings, loss
        self.rows = Endless(batches, model, arguments.seed, lambda: self.state.global_step)
        self.takes_labels = "labels" in inspect.signature(model.forward).parameters
        super().__init__(model=model, args=arguments, **others)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The batches from the step on that comes next."""
        # a loader without its own generator would advance the global random state
        return DataLoader(self.rows, batch_size=None, generator=torch.Generator())

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        """The rates of the settings."""
        if self.lr_scheduler is None:
            chosen = optimizer or self.optimizer
            assert chosen is not None
            self.lr_scheduler = scheduler(chosen, self.settings, num_training_steps)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """As ever; where a cycle of the rates begins, the optimizer starts afresh."""
        assert self.optimizer is not None
        restart(self.optimizer, self.settings, self.state.global_step, self.state.max_steps)
        return super().training_step(*args, **kwargs)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The task's loss of one batch."""
        if self.takes_labels and self.loss is None:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.get("labels")
        outputs = model(**{name: each for name, each in inputs.items() if name != "labels"})
        if labels is None:
            raise Problem("a batch holds no labels", hint="give them last in a tuple, or `labels`")
        if self.loss is not None:
            found = self.loss(outputs, labels)
        else:
            first = next(each for each in pytree.tree_leaves(outputs) if isinstance(each, Tensor))
            found = task_loss(first, labels)
        return (found, outputs) if return_outputs else found
