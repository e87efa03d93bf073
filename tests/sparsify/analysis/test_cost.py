"""Costs counted by hand."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from passes.fold_masks import FoldMasks
from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.analysis.accounts import PRUNABLE, accounts
from sparsify.analysis.blocks import blocks
from sparsify.analysis.cost import cost, per_node
from sparsify.analysis.roles import roles, select
from sparsify.capture import capture
from sparsify.kinds import criterion
from sparsify.pipeline import apply
from tests.sparsify.analysis.architectures import program as architecture
from tests.sparsify.programs import Tied, Toy, pair, program, ran

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "vocab_size": 99,
}
MAGNITUDE = criterion.choose("magnitude")
BATCH, TOKENS = 3, 10
LAYERS = 2 * (4 * 32 * 32 + 2 * 32 * 64)
"""Numbers of the weights of both layers: query, key, value, output, and the two of the FFN."""
ATTENTION = 2 * 2 * TOKENS * TOKENS * (16 + 16)
"""Two layers of two heads, scores and weighted values, an example."""
HEAD = 32 * 32 + 32 * 2


def test_a_bert_costs_what_a_hand_counts() -> None:
    found = cost(pair("bert")[1], batch=BATCH, sequence=TOKENS)
    tables = (40 + 32 + 2) * 32
    biases = 2 * (4 * 32 + 64 + 32) + 32 + 2
    norms = 5 * 2 * 32
    assert found.parameters == tables + LAYERS + biases + norms + HEAD
    assert found.size_bytes == 4 * found.parameters
    assert found.dense_macs == found.macs == BATCH * (TOKENS * LAYERS + ATTENTION + HEAD)
    assert (found.batch, found.sequence, found.zeros) == (BATCH, TOKENS, 0)


@pytest.mark.parametrize("kind", ["distilbert", "roberta", "mpnet"])
def test_attention_costs_the_same_however_it_is_written(kind: str) -> None:
    found = cost(pair(kind)[1], batch=BATCH, sequence=TOKENS)
    assert found.dense_macs == BATCH * (TOKENS * LAYERS + ATTENTION + HEAD)


def test_shared_layers_are_computed_as_often_as_they_are_used() -> None:
    found = cost(pair("albert")[1], batch=BATCH, sequence=TOKENS)
    assert found.dense_macs == BATCH * (TOKENS * (LAYERS + 16 * 32) + ATTENTION + HEAD)


def test_zeros_need_no_work_masked_or_folded() -> None:
    found = ran("bert", InsertMasks(), Prune(criterion=MAGNITUDE, sparsity=0.75))
    masked = cost(found, batch=BATCH, sequence=TOKENS)
    assert masked.zeros == LAYERS * 3 // 4
    assert masked.dense_macs == BATCH * (TOKENS * LAYERS + ATTENTION + HEAD)
    assert masked.macs == BATCH * (TOKENS * LAYERS // 4 + ATTENTION + HEAD)
    apply([FoldMasks()], found)
    assert cost(found, batch=BATCH, sequence=TOKENS) == masked


def test_a_tied_table_is_one_weight_and_one_product() -> None:
    found = cost(program(Tied), batch=2, sequence=5)
    assert found.parameters == 24 + 16 + 4
    assert found.dense_macs == 2 * 5 * (16 + 24)


def test_sizes_of_storage_follow_the_type() -> None:
    found = program(Toy)
    found.module.to(torch.float16)
    assert cost(found).size_bytes == 2 * found.parameter_count()


def test_the_cost_of_a_call_is_a_function_of_batch_and_sequence() -> None:
    found = [each for each in per_node(pair("bert")[1]) if each.macs != 0]
    query, attention = found[0], found[3]
    assert query.weight == "bert.encoder.layer.0.attention.self.query.weight"
    assert query.parameters == 32 * 32 + 32
    assert str(query.macs) == "1024*batch*sequence"
    assert str(query.size_bytes) == "256*batch*sequence + 4224"
    assert str(attention.macs) == "64*batch*sequence**2"
    total = sum(each.macs for each in found).subs({"batch": BATCH, "sequence": TOKENS})
    assert total == BATCH * (TOKENS * LAYERS + ATTENTION + HEAD)


def test_convolutions_experts_and_einsums_cost_what_a_hand_counts() -> None:
    image = {each.weight: each for each in per_node(architecture("vit / image-classification"))}
    patches = image["vit.embeddings.patch_embeddings.projection.weight"]
    assert str(patches.macs) == f"{16 * 32 * 3 * 8 * 8}*batch"
    experts = {each.weight: each for each in per_node(architecture("mixtral / causal-lm"))}
    down = experts["model.layers.0.mlp.experts.down_proj"]
    assert str(down.macs) == f"{2 * 32 * 48}*batch*sequence"
    own = {each.weight: each for each in per_node(architecture("own / einsum"))}
    assert str(own["blocks.0.from_heads"].macs) == "1024*batch*sequence"


def test_nothing_is_read_from_weights_that_are_nowhere() -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(LlamaConfig(**TINY))
        ids = torch.zeros(2, 12, dtype=torch.long)
        found = capture(model, {"input_ids": ids}, {"input_ids": {0: "batch", 1: "sequence"}})
    assert len(blocks(found)) == 2
    assert select(roles(found), ["head"]) == ["lm_head.weight"]
    assert PRUNABLE in accounts(found).values()
    assert cost(found).zeros == 0
    assert all(parameter.is_meta for parameter in found.module.parameters())
