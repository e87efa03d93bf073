"""The structures of a program: their kind, how many units, what each takes along, why not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sparsify.analysis.coupling import structures
from sparsify.capture import capture
from tests.sparsify.surgery.models import program

WIDTH = "is normalised together with the others by aten.layer_norm"
OUTPUT = "reaches the output `logits`"


def told(kind: str) -> list[tuple[str, int, str]]:
    return [(each.kind, len(each.units), each.frozen) for each in structures(program(kind))]


def test_an_encoder_has_heads_neurons_a_width_and_a_pooler() -> None:
    assert told("bert") == [
        ("width", 32, WIDTH),
        ("head", 4, ""),
        ("neuron", 48, ""),
        ("head", 4, ""),
        ("neuron", 48, ""),
        ("channel", 32, ""),
        ("channel", 3, OUTPUT),
    ]


def test_a_head_takes_along_everything_that_is_its_own() -> None:
    heads = structures(program("bert"))[1]
    assert heads.name == "bert.encoder.layer.0.attention.self.query.weight"
    found = [
        (part.parameter.removeprefix("bert.encoder.layer.0.attention."), part.axis, part.reads)
        for part in heads.units[1].slices
    ]
    assert found == [
        ("self.query.weight", 0, False),
        ("self.query.bias", 0, False),
        ("self.key.weight", 0, False),
        ("self.key.bias", 0, False),
        ("self.value.weight", 0, False),
        ("self.value.bias", 0, False),
        ("output.dense.weight", 1, True),
    ]
    assert all(part.indices == tuple(range(8, 16)) for part in heads.units[1].slices)


def test_heads_in_one_fused_weight_are_told_apart() -> None:
    heads = next(each for each in structures(program("gpt2")) if each.kind == "head")
    fused, bias, output = heads.units[2].slices
    assert fused.indices == (*range(16, 24), *range(48, 56), *range(80, 88))
    assert bias.indices == fused.indices
    assert (output.axis, output.indices, output.reads) == (0, tuple(range(16, 24)), True)


def test_heads_that_share_a_key_are_one_unit() -> None:
    groups = [each for each in structures(program("llama")) if each.kind == "kv-group"]
    assert [len(each.units) for each in groups] == [2, 2]
    assert [len(part.indices) for part in groups[0].units[0].slices] == [16, 8, 8, 16]


def test_a_norm_that_all_heads_share_belongs_to_none() -> None:
    names = {
        part.parameter
        for each in structures(program("qwen3"))
        if not each.frozen
        for part in each.units[0].slices
    }
    assert not any("norm" in name for name in names)


def test_heads_of_layers_that_share_a_position_bias_go_together() -> None:
    (heads, *_) = structures(program("t5"))
    assert heads.kind == "head"
    names = [part.parameter for part in heads.units[0].slices]
    assert sum("relative_attention_bias" in name for name in names) == 1
    assert sum(name.endswith("SelfAttention.q.weight") for name in names) == 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("einsum", {"head": 4, "neuron": 24}),
        ("pictures", {"channel": 8, "neuron": 6}),
        ("deberta-v2", {"head": 4, "neuron": 48, "channel": 32}),
    ],
)
def test_what_is_written_by_hand_is_understood(kind: str, expected: dict[str, int]) -> None:
    found = [each for each in structures(program(kind)) if not each.frozen]
    sizes = {each.kind: len(each.units) for each in found}
    assert {name: sizes.get(name) for name in expected} == expected


def test_groups_of_a_convolution_lose_the_same_channels() -> None:
    _, heads, neurons, *_ = structures(program("squeezebert"))
    assert (len(heads.units), len(neurons.units)) == (2, 24)
    assert {part.indices for part in heads.units[1].slices} == {(*range(8, 16), *range(24, 32))}
    assert [(part.axis, part.indices) for part in neurons.units[5].slices] == [
        (0, (5, 29)),
        (0, (5, 29)),
        (1, (5,)),
    ]


class Towers(nn.Module):
    """Two texts are compared by the products of their first tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 6), nn.Linear(4, 6)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """f32[rows of x, rows of y] from f32[rows, tokens, 4] each."""
        return self.left(x[:, 0]) @ self.right(y[:, 0]).T


def test_channels_that_pooled_vectors_are_compared_by_are_no_heads() -> None:
    inputs = {"x": torch.randn(2, 5, 4), "y": torch.randn(3, 7, 4)}
    rows = {"x": {0: "batch"}, "y": {0: "batch"}}
    (found,) = structures(capture(Towers(), inputs, rows))
    assert (found.kind, len(found.units)) == ("channel", 1)


def test_structures_are_found_again_when_the_graph_has_changed() -> None:
    found = program("bert")
    first = structures(found)
    assert structures(found)[0] is first[0]
    weight = next(node for node in found.parameters() if node.target == first[2].name)
    found.mask(weight, list(weight.users))
    assert structures(found)[0] is not first[0]
