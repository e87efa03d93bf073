"""A model's forward while it is trained in a Trainer that is not ours: with masked weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from sparsify.training.own_run import OwnRun


class OwnForward:
    """Stands for `model.forward` while the model is trained: computes it with masked weights."""

    def __init__(self, model: nn.Module, run: OwnRun) -> None:
        self.model, self.run = model, run
        self.names = set(run.student.inputs)
        self.values: Any = None
        """What the duties read in the last call."""
        self.inputs: dict[str, Tensor] = {}
        self.__wrapped__ = type(model).forward.__get__(model)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = {name: value for name, value in kwargs.items() if value is not None}
        if not args and given.keys() == self.names:
            self.inputs = given
            output, self.values = self.run.forward(given, training=self.model.training)
            return output
        # other inputs, as in a prediction without labels: the model's own code, masked weights
        student = self.run.student
        weights = {name: student.effective(name) for name in student.masks()}
        with _swapped(self.model, weights):
            return self.__wrapped__(*args, **kwargs)


@contextmanager
def _swapped(model: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Let the model's own code read `weights` where its parameters are."""
    owners = {name: model.get_submodule(name.rpartition(".")[0]) for name in weights}
    try:
        for name, weight in weights.items():
            # an instance's own attribute is found before a parameter of the same name
            owners[name].__dict__[name.rpartition(".")[2]] = weight
        yield
    finally:
        for name, owner in owners.items():
            owner.__dict__.pop(name.rpartition(".")[2], None)
