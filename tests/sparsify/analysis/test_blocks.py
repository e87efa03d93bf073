"""Layers are found from residual additions, in order, whatever their norms and branches."""

from __future__ import annotations

from itertools import pairwise

import pytest

from passes.insert_masks import InsertMasks
from sparsify.analysis.blocks import blocks
from sparsify.pipeline import apply
from tests.sparsify.analysis.architectures import program

PLAIN = "attention ffn"
CROSSED = "attention cross-attention ffn"
KINDS = {
    "bert / sequence-classification": [PLAIN] * 2,  # norms after the additions
    "gpt2 / causal-lm": [PLAIN] * 2,  # norms before the branches
    "gptj / sequence-classification": [PLAIN] * 2,  # branches side by side, one addition
    "gpt_neox / causal-lm": ["ffn attention"] * 2,
    "cohere / causal-lm": [PLAIN] * 2,
    "gemma2 / sequence-classification": [PLAIN] * 2,  # norms before and after each branch
    "albert / sequence-classification": [PLAIN] * 2,  # one layer, used twice
    "mobilebert / sequence-classification": ["other"] * 2,  # a bottleneck around all branches
    "xlnet / sequence-classification": [PLAIN] * 2,
    "fnet / sequence-classification": ["other ffn"] * 2,
    "mixtral / causal-lm": [PLAIN] * 2,
    "swin / image-classification": [PLAIN] * 3,  # two stacks of different width
    "wav2vec2 / audio-classification": [PLAIN] * 2,  # the convolution of positions is no layer
    "t5 / seq2seq-lm": [PLAIN] * 2 + [CROSSED] * 2,
    "bart / sequence-classification": [PLAIN] * 2 + [CROSSED] * 2,
    "clip / no-head": [PLAIN] * 4,
    "siglip / no-head": [PLAIN] * 4,  # the pooling head is no layer
    "own / einsum": [PLAIN] * 2,
}


@pytest.mark.parametrize("name", KINDS)
def test_every_layer_is_found_with_its_branches(name: str) -> None:
    found = [" ".join(branch.kind for branch in block.branches) for block in blocks(program(name))]
    assert found == KINDS[name]


@pytest.mark.parametrize("name", KINDS)
def test_a_layer_keeps_the_shape_of_the_stream_and_hands_it_to_the_next(name: str) -> None:
    found = blocks(program(name))
    for block in found:
        shapes = [str(node.meta["val"].shape) for node in (block.input, block.output)]
        assert len(set(shapes)) == 1
    linked = [after.input is before.output for before, after in pairwise(found)]
    assert linked.count(False) == {"t5 /": 1, "bart": 1, "clip": 1, "sigl": 1, "swin": 1}.get(
        name[:4], 0
    )


def test_a_layer_has_the_parameters_of_its_module() -> None:
    found = program("bart / seq2seq-lm")
    named = dict(found.module.named_parameters())
    for block in blocks(found):
        assert block.name in ("model.encoder.layers.0", "model.encoder.layers.1",
                              "model.decoder.layers.0", "model.decoder.layers.1")  # fmt: skip
        expected = {name for name in named if name.startswith(f"{block.name}.")}
        assert set(block.parameters) == expected
        assert {name for each in block.branches for name in each.parameters} < expected


def test_a_table_that_all_layers_read_belongs_to_none() -> None:
    for block in blocks(program("t5 / seq2seq-lm")):
        assert not any("relative_attention_bias" in name for name in block.parameters)


def test_masks_change_no_layer() -> None:
    found = program("albert / sequence-classification").clone()
    before = [(block.name, block.parameters) for block in blocks(found)]
    apply([InsertMasks()], found)
    assert [(block.name, block.parameters) for block in blocks(found)] == before
