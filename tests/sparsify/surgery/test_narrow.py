"""Smaller tensors compute what the zeroed ones did, at other sizes, and train alike."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from sparsify.errors import Problem
from sparsify.examples import at_sizes, other_sizes
from sparsify.program import Program
from sparsify.surgery import narrow, replay
from sparsify.text import to_text
from sparsify.verify import verify
from tests.sparsify.surgery.models import EVERY, ZOO, halved, program

TOLERANCE = 1e-5
"""Relative to the largest number: sums are taken in another order."""
QUERY = "bert.encoder.layer.0.attention.self.query.weight"


def gradients(found: Program) -> dict[str, Tensor]:
    outputs = pytree.tree_leaves(found.module(**found.inputs))
    total = sum(value.square().mean() for value in outputs if value.is_floating_point())
    assert isinstance(total, Tensor)
    learned = {name: each for name, each in found.module.named_parameters() if each.requires_grad}
    found_gradients = torch.autograd.grad(total, [*learned.values()], materialize_grads=True)
    return dict(zip(learned, found_gradients, strict=True))


def close(expected: Tensor, found: Tensor, scale: float) -> bool:
    return torch.allclose(expected, found, rtol=0, atol=TOLERANCE * scale)


@pytest.mark.parametrize("kind", EVERY)
def test_what_stays_computes_and_learns_as_before(kind: str) -> None:
    whole = program(kind)
    kept = halved(whole, seed=2)
    small = whole.clone()
    narrow(small, kept)
    verify(small, after="narrow")
    assert small.parameter_count() < whole.parameter_count()
    for number in range(2):
        sizes = other_sizes(whole.inputs, whole.dynamic, number)
        inputs = at_sizes(whole.inputs, whole.dynamic, sizes, seed=number)
        for expected, found in zip(whole.outputs(inputs), small.outputs(inputs), strict=True):
            assert close(expected, found, float(expected.abs().max()))
    expected_gradients, found_gradients = gradients(whole), gradients(small)
    largest = max(float(each.abs().max()) for each in expected_gradients.values())
    for name, found in found_gradients.items():
        expected = expected_gradients[name]
        for axis, indices in kept.get(name, {}).items():
            expected = expected.index_select(axis, torch.tensor(indices))
        assert close(expected, found, largest), name


@pytest.mark.parametrize("kind", ["bert", "t5", "bloom", "einsum", *ZOO])
def test_the_recorded_edits_give_the_same_program_again(kind: str) -> None:
    small, fresh = program(kind), program(kind)
    narrow(small, halved(small))
    narrow(small, halved(small, seed=1))
    replay(fresh, small.edits)
    assert to_text(fresh) == to_text(small)
    assert [p.shape for p in fresh.module.parameters()] == [
        p.shape for p in small.module.parameters()
    ]


def test_tied_weights_stay_tied() -> None:
    small = program("gpt2")
    count = len(list(small.module.parameters()))
    narrow(small, halved(small))
    assert len(list(small.module.parameters())) == count
    assert all(parameter.requires_grad for parameter in small.module.parameters())


def refused(kept: dict[str, dict[int, list[int]]], kind: str = "bert") -> str:
    found = program(kind)
    before = to_text(found)
    with pytest.raises(Problem) as caught:
        narrow(found, kept)
    assert to_text(found) == before
    assert not found.edits
    return str(caught.value)


def test_half_a_head_is_refused() -> None:
    assert refused({QUERY: {0: list(range(4, 32))}}) == (
        f"axis 0 of {QUERY!r} would lose channels that go together with some that stay"
    )


def test_classes_that_are_returned_are_refused() -> None:
    assert refused({"classifier.weight": {0: [0, 1]}}) == (
        "axis 0 of 'classifier.weight' cannot be narrowed: reaches the output `logits`"
    )


def test_an_axis_and_an_index_that_are_not_there_are_refused() -> None:
    assert refused({QUERY: {2: [0]}}) == f"{QUERY!r} has no axis 2 to narrow"
    assert refused({QUERY: {0: [32]}}) == f"{QUERY!r} has only 32 indices on axis 0"


def test_every_unit_cannot_go() -> None:
    assert "what remains of it would be no block" in refused({QUERY: {0: []}})


def test_keeping_everything_changes_nothing() -> None:
    found = program("bert")
    before = to_text(found)
    narrow(found, {QUERY: {0: list(range(32))}})
    assert to_text(found) == before
    assert not found.edits
