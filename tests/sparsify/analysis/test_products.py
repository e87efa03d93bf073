"""Products are found through views, masks and transposes, and nothing else is taken for one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from passes.insert_masks import InsertMasks
from sparsify.analysis.products import feeds_another, inputs_behind, is_tokenwise, products
from sparsify.capture import capture
from tests.sparsify.programs import Tied, Toy, program, ran


class Written(nn.Module):
    """Products in every spelling."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Parameter(torch.randn(4, 4))
        self.right = nn.Parameter(torch.randn(4, 4))
        self.packed = nn.Parameter(torch.randn(8, 4))
        self.scaled = nn.Parameter(torch.randn(4, 4))
        self.bias = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        x = x @ self.left
        x = torch.addmm(self.bias, x, self.right.t())
        first, second = self.packed.chunk(2)
        x = nn.functional.linear(x, first) + nn.functional.linear(x, second)
        return x @ (self.scaled * 2.0) @ x.t()


def test_weights_are_found_in_every_spelling() -> None:
    found = capture(Written(), {"x": torch.randn(2, 4)}, {"x": {0: "batch"}})
    names = [use.weight for use in products(found)]
    assert names == ["left", "right", "packed", "packed"]
    readers = [str(use.reader.target) for use in products(found)[2:]]
    assert len(set(readers)) == 1


def test_a_mask_is_no_obstacle_and_becomes_no_weight() -> None:
    before = products(program(Toy))
    after = products(ran(Toy, InsertMasks(targets=["body", "head"])))
    assert [use.weight for use in before] == [use.weight for use in after]
    assert [use.node.name for use in before] == [use.node.name for use in after]


def test_an_activation_and_a_look_up_are_no_products() -> None:
    found = program(Tied)
    assert [use.weight for use in products(found)] == ["inner.weight", "words.weight"]


def test_what_is_done_at_every_token_and_what_comes_last() -> None:
    found = program(Toy)
    inner, head = products(found)
    nodes = {inner.node, head.node}
    assert is_tokenwise(found, inner)
    assert not is_tokenwise(found, head)
    assert feeds_another(inner, nodes - {inner.node})
    assert not feeds_another(head, nodes - {head.node})


def test_inputs_come_nearest_first_and_once() -> None:
    found = program(Toy)
    behind = list(inputs_behind(products(found)[1].node))
    assert behind[0] is products(found)[1].node
    assert len(behind) == len(set(behind))
    assert behind[-1].op == "placeholder" or behind[-1].op == "get_attr"
