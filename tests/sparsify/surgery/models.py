"""Tiny models of many architectures, and programs that lost some of their units."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from sparsify.analysis.coupling import structures
from sparsify.capture import capture
from sparsify.models import example_inputs
from sparsify.models.source import Source
from sparsify.program import Program
from tests.sparsify.analysis.architectures import program as architecture

WIDE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
WORDS = {"vocab_size": 40, "max_position_embeddings": 64}
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
CONFIGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bert": (
        AutoModelForSequenceClassification,
        {**WIDE, **WORDS, "intermediate_size": 48, "num_labels": 3},
    ),
    "albert": (
        AutoModelForSequenceClassification,
        {**WIDE, **WORDS, "intermediate_size": 48, "embedding_size": 16},
    ),
    "gpt2": (
        AutoModelForCausalLM,
        {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_inner": 48, "n_positions": 64}
        | {"vocab_size": 40, **ENDS},
    ),
    "llama": (
        AutoModelForCausalLM,
        {**WIDE, **WORDS, **ENDS, "intermediate_size": 48, "num_key_value_heads": 2},
    ),
    "qwen3": (
        AutoModelForCausalLM,
        {**WIDE, **WORDS, **ENDS, "intermediate_size": 48, "num_key_value_heads": 2}
        | {"head_dim": 8},
    ),
    "bloom": (
        AutoModelForCausalLM,
        {"hidden_size": 32, "n_layer": 2, "n_head": 4, "vocab_size": 40, **ENDS},
    ),
    "t5": (
        AutoModelForSeq2SeqLM,
        {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "vocab_size": 40}
        | {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0},
    ),
    "bart": (
        AutoModelForSeq2SeqLM,
        {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, **WORDS, **ENDS}
        | dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4)
        | dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 48)
        | {"decoder_start_token_id": 2, "forced_eos_token_id": None},
    ),
    "deberta-v2": (
        AutoModelForSequenceClassification,
        {**WIDE, **WORDS, "intermediate_size": 48, "relative_attention": True}
        | {"position_buckets": 8, "share_att_key": True, "pos_att_type": ["p2c", "c2p"]}
        | {"norm_rel_ebd": "layer_norm", "position_biased_input": False},
    ),
    "squeezebert": (
        AutoModelForSequenceClassification,
        {**WIDE, **WORDS, "intermediate_size": 48, "embedding_size": 32}
        | dict.fromkeys(("q_groups", "k_groups", "v_groups"), 2)
        | {"intermediate_groups": 2, "output_groups": 2},
    ),
    "vit": (
        AutoModelForImageClassification,
        {**WIDE, "intermediate_size": 48, "image_size": 16, "patch_size": 8},
    ),
}


class Einsum(nn.Module):
    """Attention written by hand, with weights [width, heads, size]; a gated FFN behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(40, 32)
        for name in ("query", "key", "value"):
            setattr(self, name, nn.Parameter(torch.randn(32, 4, 8) / 6))
        self.bias = nn.Parameter(torch.randn(4, 1, 1))
        self.out = nn.Parameter(torch.randn(4, 8, 32) / 6)
        self.up, self.gate = nn.Linear(32, 24), nn.Linear(32, 24)
        self.down = nn.Linear(24, 32)
        self.norm = nn.RMSNorm(32)
        self.head = nn.Linear(32, 3)

    def forward(self, input_ids: Tensor) -> Tensor:
        """f32[batch, tokens, 3] from i64[batch, tokens]."""
        state = self.words(input_ids)
        query, key, value = (
            torch.einsum("btw,whd->bthd", state, weight)
            for weight in (self.query, self.key, self.value)
        )
        scores = torch.einsum("bqhd,bkhd->bhqk", query, key) + self.bias * torch.ones(1, 4, 1, 1)
        mixed = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), value)
        state = self.norm(state + torch.einsum("bqhd,hdw->bqw", mixed, self.out))
        state = state + self.down(nn.functional.silu(self.gate(state)) * self.up(state))
        logits: Tensor = self.head(state)
        return logits


class Pictures(nn.Module):
    """Convolutions: plain, depthwise, with two kinds of normalisation, then a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.GroupNorm(8, 8)
        self.depth = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.second = nn.Conv2d(8, 6, 1)
        self.batch = nn.BatchNorm2d(6)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(6, 2)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """f32[batch, 2] from f32[batch, 3, 8, 8]."""
        state = self.depth(torch.relu(self.norm(self.first(pixel_values))))
        state = self.pool(torch.relu(self.batch(self.second(state)))).flatten(1)
        logits: Tensor = self.head(state)
        return logits


PLAIN: dict[str, tuple[Callable[[], nn.Module], dict[str, Tensor], dict[int, str]]] = {
    "einsum": (
        Einsum,
        {"input_ids": torch.arange(14).view(2, 7) * 2},
        {0: "batch", 1: "sequence"},
    ),
    "pictures": (
        Pictures,
        {"pixel_values": torch.linspace(-1, 1, 384).view(2, 3, 8, 8)},
        {0: "batch"},
    ),
}
ZOO = ("mobilebert / sequence-classification", "modernbert / masked-lm",
       "deberta-v2 / question-answering", "gpt_neox / causal-lm", "mpt / causal-lm",
       "gemma2 / sequence-classification", "mixtral / causal-lm", "t5 / sequence-classification",
       "whisper / audio-classification", "swin / image-classification", "clip / no-head",
       "wav2vec2 / audio-classification", "own / nn.MultiheadAttention")  # fmt: skip
EVERY = (*CONFIGS, *PLAIN, *ZOO)


def program(kind: str) -> Program:
    """A program of random weights that may be edited; the same on every call."""
    return (architecture(kind) if kind in ZOO else _captured(kind)).clone()


@cache
def _captured(kind: str) -> Program:
    torch.manual_seed(0)
    if kind in PLAIN:
        make, inputs, dynamic = PLAIN[kind]
        return capture(make().eval(), inputs, dict.fromkeys(inputs, dynamic))
    auto, options = CONFIGS[kind]
    model = auto.from_config(CONFIG_MAPPING[kind](**options)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # biases begin as zeros, and what is lost with them would not show
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return capture(model, *example_inputs(Source(model, model.config, None, kind, None)))


def halved(found: Program, *, seed: int = 0) -> dict[str, dict[int, list[int]]]:
    """Zero what reads half of the units of every structure, in place; the indices that stay."""
    random_units = random.Random(seed)
    kept: dict[str, dict[int, set[int]]] = {}
    for structure in structures(found):
        if structure.frozen:
            continue
        for unit in random_units.sample(range(len(structure.units)), len(structure.units) // 2):
            for part in structure.units[unit].slices:
                tensor = found.tensor(part.parameter)
                if part.reads:
                    tensor.data.index_fill_(part.axis, torch.tensor(part.indices), 0.0)
                whole = set(range(tensor.shape[part.axis]))
                axes = kept.setdefault(part.parameter, {})
                axes.setdefault(part.axis, whole).difference_update(part.indices)
    return {
        name: {axis: sorted(indices) for axis, indices in axes.items()}
        for name, axes in kept.items()
    }
