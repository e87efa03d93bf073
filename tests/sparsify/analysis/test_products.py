"""Products are found through views, masks and transposes, and nothing else is taken for one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from passes.insert_masks import InsertMasks
from sparsify.analysis.flow import inputs_behind
from sparsify.analysis.products import feeds_another, is_tokenwise, products
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


class Spelled(nn.Module):
    """One weight for every spelling, on the left and on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 6)
        self.right = nn.Parameter(torch.randn(6, 4))
        self.left = nn.Parameter(torch.randn(3, 3))
        self.packed = nn.Parameter(torch.randn(2, 4, 5))
        self.heads = nn.Parameter(torch.randn(5, 2, 3))
        self.joined = nn.Parameter(torch.randn(2, 3, 4))
        self.flat = nn.Parameter(torch.randn(24))
        self.wide = nn.Parameter(torch.randn(4, 2, 3))
        self.kernel = nn.Conv1d(6, 4, 3, groups=2)
        self.shift = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        """f32[batch, 4, 1] from f32[batch, 3, 4]."""
        x = self.left @ (self.linear(x) @ self.right + self.shift)
        x = torch.bmm(x, self.packed[:1].expand(x.shape[0], -1, -1))
        x = torch.einsum("bsd,dhw->bshw", x, self.heads)
        x = torch.einsum("bshw,hwd->bsd", x, self.joined)
        x = x @ self.wide.view(4, 6)
        x = x @ self.flat.view(6, 4) @ self.wide.reshape(4, 6)
        return self.kernel(x.transpose(1, 2))


def test_orientation_bias_and_the_length_of_a_sum_are_known() -> None:
    found = capture(Spelled(), {"x": torch.randn(2, 3, 4)}, {"x": {0: "batch"}})
    assert [(u.weight, u.makes, u.reads, u.summed, u.bias) for u in products(found)] == [
        ("linear.weight", (0,), (1,), 4, "linear.bias"),
        ("right", (1,), (0,), 6, "shift"),
        ("left", (0,), (1,), 3, ""),
        ("packed", (2,), (1,), 4, ""),
        ("heads", (1, 2), (0,), 5, ""),
        ("joined", (2,), (0, 1), 6, ""),
        ("wide", (1, 2), (0,), 4, ""),
        ("wide", (1, 2), (0,), 4, ""),
        ("kernel.weight", (0,), (1,), 9, "kernel.bias"),
    ]


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
