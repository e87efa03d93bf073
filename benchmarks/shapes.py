"""The models and data that benchmarks run on: made from configurations, with random weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel

from sparsify.data import Encoded
from sparsify.data.batches import Row
from sparsify.models import Source, example_inputs

SEED = 42


@dataclass(frozen=True)
class Shape:
    """A BERT encoder with a classifier of two classes."""

    layers: int
    width: int
    heads: int
    vocabulary: int = 30522

    def __str__(self) -> str:
        return f"BERT {self.layers} x {self.width}"

    def model(self) -> BertForSequenceClassification:
        """Random weights, always the same, in train mode, with the dropout of BERT."""
        torch.manual_seed(SEED)
        config = BertConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.width,
        )
        model: BertForSequenceClassification = BertForSequenceClassification(config).train()
        return model

    def matrices(self) -> dict[str, tuple[int, int]]:
        """The shapes of the encoder's weights by name: attention's four, feed-forward's two."""
        square, tall = (self.width, self.width), (4 * self.width, self.width)
        names = {"query": square, "key": square, "value": square, "output": square}
        names |= {"up": tall, "down": tall[::-1]}
        return {
            f"layer{layer}.{name}": shape
            for layer in range(self.layers)
            for name, shape in names.items()
        }


BERT_BASE = Shape(layers=12, width=768, heads=12)
MINILM = Shape(layers=6, width=384, heads=12)
TINY = Shape(layers=2, width=32, heads=2, vocabulary=100)


def examples(model: PreTrainedModel) -> tuple[dict[str, Tensor], dict[str, dict[int, str]]]:
    """Inputs to capture `model` with, and the dimensions that may vary."""
    config = model.config
    return example_inputs(Source(module=model, config=config, tokenizer=None, name="", folder=None))


def random_batch(shape: Shape, batch: int, sequence: int) -> dict[str, Tensor]:
    """A full batch: no padding, two token types."""
    ids = torch.randint(0, shape.vocabulary, (batch, sequence))
    types = (torch.arange(sequence) >= sequence // 2).long().expand(batch, -1)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "token_type_ids": types.contiguous(),
    }


def random_data(shape: Shape, lengths: Tensor, names: list[str]) -> Encoded:
    """Rows of random tokens of the given lengths, with labels of two classes."""
    rows: list[Row] = []
    for length in lengths.tolist():
        inputs = random_batch(shape, 1, length)
        rows.append({name: inputs[name][0].tolist() for name in names})
    labels = torch.randint(0, 2, (len(lengths),))
    return Encoded(rows, lengths, labels, dict.fromkeys(names, 0), 0)
