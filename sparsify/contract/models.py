"""The models that passes are tried on: a tiny encoder, a tiny decoder and a plain module."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
)

from sparsify.capture import capture
from sparsify.examples import at_sizes
from sparsify.models import Source, example_inputs
from sparsify.models.source import quiet
from sparsify.pipeline import Pass, apply
from sparsify.program import Program

MODELS = ("encoder", "decoder", "plain module")
SAMPLES = 2
"""Batches to calibrate on."""


class Plain(nn.Module):
    """A classifier around torch.nn.TransformerEncoder, as a user may write it."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(40, 32)
        self.positions = nn.Embedding(32, 32)
        layer = nn.TransformerEncoderLayer(32, 2, 64, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """f32[batch, 2] from i64[batch, sequence]."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        state = self.words(input_ids) + self.positions(places)
        state = self.encoder(state, src_key_padding_mask=attention_mask == 0)
        logits: Tensor = self.head(state[:, 0])
        return logits


def subject(kind: str) -> Program:
    """A program of one of `MODELS` that may be edited, with masks and labelled samples."""
    return _made(kind).clone()


@cache
def _made(kind: str) -> Program:
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = _module(kind)
        source = Source(module, getattr(module, "config", None), None, kind, None)
        inputs, dynamic = example_inputs(source)
        program = capture(module, inputs, dynamic)
    program.samples = tuple(
        at_sizes(inputs, dynamic, {"batch": 4, "sequence": 6 + number}, seed=number)
        | {"labels": torch.arange(4) % 2}
        for number in range(SAMPLES)
    )
    apply([Pass.known["insert-masks"]()], program)
    return program


def _module(kind: str) -> nn.Module:
    # weights large enough that outputs differ
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 32,
        "initializer_range": 0.2,
        "pad_token_id": 0,
    }
    match kind:
        case "encoder":
            return BertForSequenceClassification(BertConfig(**sizes, num_attention_heads=2))
        case "decoder":
            sizes |= {"num_attention_heads": 4, "num_key_value_heads": 2}
            return LlamaForSequenceClassification(LlamaConfig(**sizes))  # type: ignore[no-untyped-call]
        case _:
            return Plain()
