"""Models and captured programs small enough for tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from sparsify.capture import capture
from sparsify.contract.models import Plain
from sparsify.data import Encoded
from sparsify.models import example_inputs
from sparsify.models.source import Source
from sparsify.pipeline import Pass, apply
from sparsify.program import Program
from tests.sparsify.tiny import config

ENCODERS = ("bert", "distilbert", "roberta", "albert", "electra", "mpnet")
EVERY = (*ENCODERS, "plain")


class Toy(nn.Module):
    """Two products: one at every token, one for each example."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 4)
        self.inner = nn.Linear(4, 4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 2)

    def forward(self, input_ids: Tensor) -> Tensor:
        """f32[batch, 2] from i64[batch, sequence]."""
        logits: Tensor = self.head(self.drop(torch.relu(self.inner(self.words(input_ids)))[:, 0]))
        return logits


class Tied(nn.Module):
    """The embedding's table gives the output too."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(6, 4)
        self.inner = nn.Linear(4, 4)
        self.out = nn.Linear(4, 6, bias=False)
        self.out.weight = self.words.weight

    def forward(self, input_ids: Tensor) -> Tensor:
        """f32[batch, sequence, 6] from i64[batch, sequence]."""
        logits: Tensor = self.out(torch.tanh(self.inner(self.words(input_ids))))
        return logits


def model(kind: str, **options: Any) -> nn.Module:
    """A model of random weights, large enough that outputs differ; the same on every call."""
    torch.manual_seed(0)
    if kind == "plain":
        return Plain(**options)
    found = AutoModelForSequenceClassification.from_config(
        config(kind, initializer_range=0.2, **options)
    )
    assert isinstance(found, nn.Module)
    return found


@cache
def pair(kind: str) -> tuple[nn.Module, Program]:
    """A model and its program, captured once: for tests that change neither."""
    module = model(kind)
    return module, captured(module)


@cache
def _toy(kind: type[nn.Module]) -> Program:
    torch.manual_seed(0)
    return captured(kind())


def program(kind: str | type[nn.Module] = "bert") -> Program:
    """A program of `model(kind)`, or of a class of model, that may be edited."""
    return (pair(kind)[1] if isinstance(kind, str) else _toy(kind)).clone()


def captured(module: nn.Module) -> Program:
    """The program of any model that takes token ids."""
    if isinstance(module, Toy | Tied):
        ids = torch.tensor([[0, 1, 2], [3, 4, 0]])
        return capture(module, {"input_ids": ids}, {"input_ids": {0: "batch", 1: "sequence"}})
    source = Source(module, getattr(module, "config", None), None, "tiny", None)
    return capture(module, *example_inputs(source))


def ran(kind: str | type[nn.Module], *passes: Pass) -> Program:
    """A program of `kind` after `passes`."""
    found = program(kind)
    apply(passes, found)
    return found


def rows(count: int, seed: int = 0, *, regression: bool = False) -> Encoded:
    """Rows whose label is whether token 5 stands in the middle; numbers where it is regression."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(4, 10, (count,), generator=random)
    labels = torch.randint(2, (count,), generator=random)
    found = []
    for length, label in zip(lengths.tolist(), labels.tolist(), strict=True):
        ids = torch.randint(7, 40, (length,), generator=random).tolist()
        ids[0], ids[1] = 2, 5 + label
        found.append({"input_ids": ids, "attention_mask": [1] * length})
    return Encoded(
        rows=[{**row, "token_type_ids": [0] * len(row["input_ids"])} for row in found],
        lengths=lengths,
        labels=labels.float() if regression else labels,
        pad={"input_ids": 0, "attention_mask": 0, "token_type_ids": 0},
        full=0,
    )


def calibrated(found: Program, count: int = 12, batch: int = 4) -> Program:
    """`found` with samples to calibrate on: rows of unequal length, padded, with labels."""
    data = rows(count, seed=3)
    places = torch.arange(count).split(batch)
    found.samples = tuple(
        {
            **{name: v for name, v in data.batch(part).items() if name in found.inputs},
            "labels": data.labels[part],
        }
        for part in places
    )
    return found
