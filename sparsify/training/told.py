"""The figures of a training run, for its screen and for trackers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import Trainer

from sparsify.training.session import Session

if TYPE_CHECKING:
    Above = Trainer
else:
    Above = object


class Told(Above):
    """A Trainer that tells what its duties know beside what it knows itself."""

    session: Session
    terms: dict[str, float]
    """A running mean of every term of the loss."""

    def losses(self) -> dict[str, float]:
        """The terms of the loss."""
        return {f"{name}_loss": value for name, value in self.terms.items()}

    def figures(self) -> dict[str, float]:
        """The terms of the loss and the facts of the duties."""
        found = self.losses()
        for duty in self.session.duties:
            found |= duty.facts()
        return found

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Tell trackers all of it."""
        super().log(logs | self.figures(), *args, **kwargs)
