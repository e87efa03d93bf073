"""Small programs that are captured, and emitted once, for all tests of the export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import transformers
from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.export import emit
from sparsify.program import Program

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 99,
    "num_labels": 3,
}
DISTIL = {"dim": 32, "n_layers": 1, "n_heads": 4, "hidden_dim": 64, "vocab_size": 99}
CONFIGS = {
    "Bert": SMALL,
    "DistilBert": {**DISTIL, "num_labels": 3},
    "Roberta": SMALL,
    "Albert": {**SMALL, "num_hidden_layers": 2, "embedding_size": 16},
    "Electra": {**SMALL, "embedding_size": 16},
    "MPNet": SMALL,
}


class Words(nn.Module):
    """A bag of words; its embedding is also its output layer's weight."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(99, 32)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(32, 99)
        self.head.weight = self.embedding.weight

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.head(self.dropout(self.embedding(input_ids)).mean(dim=1).tanh())


class Plain(nn.Module):
    """A classifier of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(99, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(32, 3)

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(input_ids)).mean(dim=1))


@dataclass(frozen=True)
class Emitted:
    """A model, its program, and the ONNX file made of it."""

    model: nn.Module
    program: Program
    path: Path


def program_of(model: nn.Module, names: tuple[str, ...]) -> Program:
    made: Mapping[str, Tensor] = {
        "input_ids": torch.randint(5, 99, (2, 12)),
        "attention_mask": torch.ones(2, 12, dtype=torch.long),
    }
    inputs = {name: made[name] for name in names}
    return capture(model, inputs, {name: {0: "batch", 1: "sequence"} for name in inputs})


def build(name: str) -> tuple[nn.Module, Program]:
    torch.manual_seed(0)
    if name == "Plain":
        model: nn.Module = Plain()
        return model, program_of(model, ("input_ids",))
    config = getattr(transformers, f"{name}Config")(**CONFIGS[name])
    model = getattr(transformers, f"{name}ForSequenceClassification")(config)
    for parameter in model.parameters():
        if parameter.ndim == 1:  # biases of exact zeros may be left out of the file
            nn.init.normal_(parameter, std=0.05)
    return model, program_of(model, ("input_ids", "attention_mask"))


@pytest.fixture(scope="session", params=[*CONFIGS, "Plain"])
def emitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    """Each supported architecture, with a quarter of every 64x32 weight set to zero."""
    model, program = build(request.param)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.shape == (64, 32):
                weight[:16] = 0
    path = tmp_path_factory.mktemp("onnx") / f"{request.param}.onnx"
    emit(program, path, opset=20)
    return Emitted(model, program, path)


@pytest.fixture(scope="session")
def words() -> Program:
    """A program that is cheap to emit."""
    torch.manual_seed(0)
    return program_of(Words(), ("input_ids",))
