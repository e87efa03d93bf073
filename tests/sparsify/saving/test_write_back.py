"""Uneven layers in the model's own module, where its code takes sizes from its weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import sparsify
from sparsify.analysis.coupling import structures
from sparsify.errors import Problem
from sparsify.models.source import Source
from sparsify.program import Program
from sparsify.saving.write_back import write_back
from sparsify.surgery import narrow
from tests.sparsify.programs import Toy, captured

SIZES: dict[str, dict[str, Any]] = {
    "bert": {"num_attention_heads": 4},
    "llama": {"num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 0},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32, "pad_token_id": 0},
}
SHARED = {
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 32,
    "initializer_range": 0.2,
}


@cache
def base(kind: str) -> tuple[nn.Module, Program]:
    torch.manual_seed(0)
    shared = {"vocab_size": 40} if kind == "gpt2" else SHARED
    config = CONFIG_MAPPING[kind](**shared, **SIZES[kind])
    head = AutoModelForCausalLM if kind == "gpt2" else AutoModelForSequenceClassification
    module = head.from_config(config)
    return module, captured(module)


def without(kind: str, unit: str, gone: list[list[int]]) -> tuple[Program, Source]:
    """A program that lost units of its structures of the kind `unit`, a list for each layer."""
    module, start = base(kind)
    found = start.clone()
    kept: dict[str, dict[int, list[int]]] = {}
    for structure, numbers in zip(
        [each for each in structures(found) if each.kind == unit], gone, strict=True
    ):
        for number, each in enumerate(structure.units):
            for part in each.slices:
                stays = kept.setdefault(part.parameter, {}).setdefault(part.axis, [])
                stays += [] if number in numbers else part.indices
    narrow(found, {n: {a: sorted(i) for a, i in axes.items()} for n, axes in kept.items()})
    config = getattr(module, "config", None)
    return found, Source(module, config, None, kind, None)


@pytest.mark.parametrize(
    ("kind", "unit", "gone"),
    [
        ("bert", "head", [[0, 3], [1]]),
        ("llama", "kv-group", [[1], [0]]),
        ("llama", "neuron", [[0, 5, 7], list(range(32))]),
        ("gpt2", "neuron", [[0, 5, 7], list(range(64))]),
    ],
)
def test_a_module_whose_code_takes_sizes_from_its_weights_has_them(
    tmp_path: Path, kind: str, unit: str, gone: list[list[int]]
) -> None:
    program, source = without(kind, unit, gone)
    sparsify.save(program, tmp_path, source)
    module = sparsify.load(tmp_path, as_model=True)
    with torch.no_grad():
        logits = module(**program.inputs).logits
    torch.testing.assert_close(logits, program.outputs()[0], rtol=1e-5, atol=1e-5)
    logits = module.train()(**program.inputs).logits
    logits.sum().backward()


def test_tied_weights_stay_tied() -> None:
    program, _ = without("gpt2", "neuron", [[0], [1]])
    torch.manual_seed(1)
    module = AutoModelForCausalLM.from_config(base("gpt2")[0].config)
    write_back(program, module)
    assert module.lm_head.weight is module.transformer.wte.weight


def test_a_module_that_fixes_its_sizes_is_named(tmp_path: Path) -> None:
    program, source = without("gpt2", "head", [[0], [1]])
    sparsify.save(program, tmp_path, source)
    with pytest.raises(Problem) as caught:
        sparsify.load(tmp_path, as_model=True)
    assert str(caught.value).startswith("transformer.h.0.attn.c_proj cannot run with its new")
    assert str(caught.value).endswith("; use the program or its ONNX file")
    again = sparsify.load(tmp_path)
    assert torch.equal(again.outputs()[0], program.outputs()[0])


class Twice(Toy):
    """A model with the weights of another and other code."""

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """f32[batch, 2] from i64[batch, sequence]."""
        return 2 * super().forward(input_ids)


def test_a_module_that_computes_something_else_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        write_back(captured(Toy()), Twice())
    assert str(caught.value) == (
        "Twice with the program's weights computes something else; use the program or its ONNX file"
    )
