"""A layer that is bypassed hands on what it was given."""

from __future__ import annotations

import pytest
import torch

from sparsify.analysis.blocks import blocks
from sparsify.errors import Problem
from sparsify.surgery import bypass, replay
from sparsify.text import to_text
from sparsify.verify import verify
from tests.sparsify.surgery.models import program


@pytest.mark.parametrize("kind", ["bert", "gpt2", "llama", "vit"])
def test_one_layer_of_two_is_left(kind: str) -> None:
    found, fresh = program(kind), program(kind)
    names = blocks(found)[0].parameters
    bypass(found, [0])
    verify(found, after="bypass")
    assert len(blocks(fresh)) == 2
    own = dict(found.module.named_parameters())
    assert not own.keys() & set(names)
    replay(fresh, found.edits)
    assert to_text(fresh) == to_text(found)
    for expected, value in zip(fresh.outputs(), found.outputs(), strict=True):
        assert torch.equal(expected, value)


def test_all_layers_can_go() -> None:
    found = program("bert")
    bypass(found, [0, 1])
    verify(found, after="bypass")
    assert not any(".layer." in name for name, _ in found.module.named_parameters())


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(Problem, match="there is no layer 2; the program has 2 layers"):
        bypass(program("bert"), [2])
