"""Costs counted by hand."""

from __future__ import annotations

import pytest
import torch

from passes.fold_masks import FoldMasks
from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.analysis.cost import cost
from sparsify.kinds import criterion
from sparsify.pipeline import apply
from tests.sparsify.programs import Tied, Toy, pair, program, ran

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
