"""The figures of a training run, for its screen and for trackers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import Trainer

from sparsify.errors import Problem
from sparsify.plan import Duty

if TYPE_CHECKING:
    Above = Trainer
else:
    Above = object


def require_finite(total: Tensor, step: int) -> None:
    """Raise a Problem where the loss of step `step` is no number any more."""
    if not bool(torch.isfinite(total)):
        raise Problem(
            f"training diverged: the loss is not finite at step {step}",
            hint="lower `learning_rate`, or lengthen `warmup`",
        )


def follow(means: dict[str, float], terms: Mapping[str, Tensor]) -> None:
    """Move running means, in place, by the terms of one batch's loss."""
    for name, value in terms.items():
        new = float(value.detach())
        old = means.get(name, new)
        means[name] = 0.98 * old + 0.02 * new


def silence(trainer: Trainer) -> None:
    """Take away what prints and draws by itself; the watch is told instead."""
    for callback in list(trainer.callback_handler.callbacks):
        if type(callback).__name__ in ("PrinterCallback", "ProgressCallback"):
            trainer.remove_callback(callback)


class Told(Above):
    """A Trainer that tells what its duties know beside what it knows itself."""

    terms: dict[str, float]
    """A running mean of every term of the loss."""

    @abstractmethod
    def owed(self) -> Iterable[Duty]:
        """What the passes owe the run; nothing while none goes on."""

    def losses(self) -> dict[str, float]:
        """The terms of the loss."""
        return {f"{name}_loss": value for name, value in self.terms.items()}

    def figures(self) -> dict[str, float]:
        """The terms of the loss and the facts of the duties."""
        found = self.losses()
        for duty in self.owed():
            found |= duty.facts()
        return found

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Tell trackers all of it."""
        super().log(logs | self.figures(), *args, **kwargs)
