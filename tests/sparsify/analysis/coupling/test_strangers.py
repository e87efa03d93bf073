"""What people write beside the usual: shared keys, branches of low rank, strides, pieces, gates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.own import LowRank, OneKey
from sparsify.analysis.coupling import structures
from sparsify.capture import capture
from sparsify.program import Program
from sparsify.surgery import narrow
from tests.sparsify.surgery.models import halved

IDS = {"input_ids": torch.arange(14).view(2, 7)}
TOLERANCE = 1e-5
Inside = Callable[[Tensor, int], Tensor]


def strided(state: Tensor, _: int) -> Tensor:
    """A gate and what it scales, in turn."""
    return state[..., ::2].sigmoid() * state[..., 1::2]


def halves(state: Tensor, _: int) -> Tensor:
    return F.glu(state)


def polynomial(state: Tensor, half: int) -> Tensor:
    """An activation that is written out, of a product of two."""
    first, second = state.split(half, -1)
    return torch.tanh(first + 0.1 * first.pow(3)) * second


def pieces(state: Tensor, half: int) -> Tensor:
    """Two tensors that are written into one."""
    whole = state.new_empty(*state.shape[:-1], half)
    whole[..., : half // 2].copy_(state[..., :half:2])
    whole[..., half // 2 :].copy_(state[..., half::2])
    return whole.relu()


def largest(state: Tensor, half: int) -> Tensor:
    """Each channel against its own largest value."""
    return (state - state.max(dim=1, keepdim=True).values)[..., :half]


def beside_nothing(state: Tensor, half: int) -> Tensor:
    return torch.cat([torch.zeros(0), state], dim=-1)[..., :half]


class Inner(nn.Module):
    def __init__(self, inside: Inside) -> None:
        super().__init__()
        self.words, self.inside = nn.Embedding(14, 8), inside
        self.up, self.down = nn.Linear(8, 16), nn.Linear(8, 8)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, input_ids: Tensor) -> Tensor:
        state = self.words(input_ids)
        state = self.norm(state + self.down(self.inside(self.up(state), 8)))
        logits: Tensor = self.head(state)
        return logits


def captured(model: nn.Module) -> Program:
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return capture(model.eval(), IDS, {"input_ids": {0: "batch", 1: "sequence"}})


@pytest.mark.parametrize("inside", [strided, halves, polynomial, pieces, largest, beside_nothing])
def test_neurons_are_found_and_removed(inside: Inside) -> None:
    whole = captured(Inner(inside))
    (neurons,) = (each for each in structures(whole) if not each.frozen and each.kind == "neuron")
    assert neurons.name == "up.weight"
    small, kept = whole.clone(), halved(whole)
    narrow(small, kept)
    assert small.tensor("down.weight").shape == (8, len(kept["down.weight"][1]))
    inputs = {"input_ids": torch.arange(9).view(1, 9)}
    (expected,), (found,) = whole.outputs(inputs), small.outputs(inputs)
    assert torch.allclose(expected, found, atol=TOLERANCE * float(expected.abs().max()))


def test_heads_of_one_key_are_one_unit_in_einsums_of_any_spelling() -> None:
    found = [each for each in structures(captured(OneKey())) if each.kind == "kv-group"]
    assert [(len(each.units), each.frozen) for each in found] == [(1, ""), (1, "")]
    names = [part.parameter.rpartition(".")[2] for part in found[0].units[0].slices]
    assert {*names} == {"query", "key", "value", "output"}


def test_a_branch_of_low_rank_makes_no_residual_stream() -> None:
    found = {each.name: each.kind for each in structures(captured(LowRank())) if not each.frozen}
    assert found["up.stays.weight"] == "neuron"
    assert found["query.stays.weight"] == "head"
