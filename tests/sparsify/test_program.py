"""The program: masks go in and come out, clones stand alone."""

from __future__ import annotations

import pytest
import torch

from sparsify.analysis.products import products
from sparsify.plan import Duty
from sparsify.program import MASK, Program
from tests.sparsify.programs import Tied, Toy
from tests.sparsify.programs import program as build


@pytest.fixture
def masked() -> Program:
    program = build(Toy)
    use = products(program)[0]
    program.mask(use.attribute, [use.reader])
    program.module.recompile()
    return program


def test_a_new_mask_changes_nothing(masked: Program) -> None:
    assert list(masked.masks()) == ["inner.weight"]
    assert bool((masked.masks()["inner.weight"] == 1).all())
    assert not masked.masks()["inner.weight"].requires_grad
    assert f"inner.weight{MASK}" in dict(masked.module.named_buffers())
    assert f"inner.weight{MASK}" in masked.module.state_dict()


def test_a_mask_zeroes_what_it_says_in_outputs_and_gradients(masked: Program) -> None:
    mask = masked.masks()["inner.weight"]
    mask[0] = 0
    masked.module.eval()
    sum(out.sum() for out in masked.module(**masked.inputs)).backward()
    gradient = masked.tensor("inner.weight").grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1:].any()


def test_unmasking_writes_the_zeros_and_leaves_no_trace(masked: Program) -> None:
    masked.masks()["inner.weight"][:, 1] = 0
    before, calls = masked.outputs(), len(masked.graph.nodes)
    masked.unmask(next(n for n in masked.parameters() if n.target == "inner.weight"))
    masked.module.recompile()
    assert masked.masks() == {}
    assert len(masked.graph.nodes) == calls - 2
    assert f"inner.weight{MASK}" not in masked.module.state_dict()
    assert not masked.tensor("inner.weight")[:, 1].any()
    assert all(torch.equal(a, b) for a, b in zip(before, masked.outputs(), strict=True))


def test_a_clone_has_its_own_graph_masks_and_plan(masked: Program) -> None:
    masked.plan.duties.append(Duty())
    before = masked.outputs()
    other = masked.clone()
    assert other.plan.duties == []
    other.masks()["inner.weight"].zero_()
    other.unmask(next(n for n in other.parameters() if n.target == "inner.weight"))
    assert list(masked.masks()) == ["inner.weight"]
    assert all(torch.equal(a, b) for a, b in zip(before, masked.outputs(), strict=True))


def test_outputs_are_taken_in_eval_mode_without_gradients() -> None:
    program = build(Toy)
    first, again = program.outputs(), program.outputs()
    assert torch.equal(first[0], again[0])
    assert not first[0].requires_grad
    assert program.module.training
    other = program.outputs({"input_ids": torch.tensor([[1, 1, 1, 1]])})
    assert [tuple(value.shape) for value in other] == [(1, 2)]


def test_tied_weights_count_once() -> None:
    assert build(Tied).parameter_count() == 44


def test_moving_a_program_moves_everything_it_holds(masked: Program) -> None:
    masked.to(torch.device("meta"))
    tensors = [*masked.module.state_dict().values(), *masked.inputs.values()]
    assert {each.device.type for each in tensors} == {"meta"}
