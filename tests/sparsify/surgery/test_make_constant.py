"""A product whose weight is zero is its bias, and what it read is gone."""

from __future__ import annotations

import pytest
import torch

from sparsify.errors import Problem
from sparsify.examples import at_sizes, other_sizes
from sparsify.surgery import make_constant, replay
from sparsify.text import to_text
from sparsify.verify import verify
from tests.sparsify.surgery.models import program

OUTPUTS = {
    "bert": "bert.encoder.layer.0.attention.output.dense.weight",
    "gpt2": "transformer.h.1.mlp.c_proj.weight",
    "llama": "model.layers.0.self_attn.o_proj.weight",
}
BRANCHES = {
    "bert": "bert.encoder.layer.0.attention.self.",
    "gpt2": "transformer.h.1.mlp.c_fc.",
    "llama": "model.layers.0.self_attn.",
}
TOLERANCE = 1e-6
"""A product with zeros, and its bias alone, differ by nothing; fused kernels may round apart."""


@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_branch_without_effect_vanishes(kind: str) -> None:
    name = OUTPUTS[kind]
    found = program(kind)
    found.tensor(name).data.zero_()
    before = found.clone()
    make_constant(found, [name])
    verify(found, after="make-constant")
    names = dict(found.module.named_parameters())
    assert not any(each.startswith(BRANCHES[kind]) for each in names)
    for number in range(2):
        sizes = other_sizes(found.inputs, found.dynamic, number)
        inputs = at_sizes(found.inputs, found.dynamic, sizes, seed=number)
        for expected, value in zip(before.outputs(inputs), found.outputs(inputs), strict=True):
            assert torch.allclose(expected, value, rtol=0, atol=TOLERANCE)


def test_it_is_done_again_before_the_weight_is_zero() -> None:
    name = OUTPUTS["bert"]
    found, fresh = program("bert"), program("bert")
    found.tensor(name).data.zero_()
    make_constant(found, [name])
    replay(fresh, found.edits)
    assert to_text(fresh) == to_text(found)


def test_a_weight_that_is_not_zero_is_refused() -> None:
    with pytest.raises(Problem, match="is not zero, so its product is no constant"):
        make_constant(program("bert"), [OUTPUTS["bert"]])


def test_a_table_is_the_weight_of_no_product() -> None:
    found = program("bert")
    name = "bert.embeddings.position_embeddings.weight"
    found.tensor(name).data.zero_()
    with pytest.raises(Problem, match="is the weight of no product"):
        make_constant(found, [name])
