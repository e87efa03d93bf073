"""What computes nothing goes; nothing else does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from passes.clean import Clean
from sparsify.capture import capture
from sparsify.pipeline import apply
from sparsify.program import Program, aten
from tests.sparsify.programs import EVERY, program


class Leftovers(nn.Module):
    """Each call that does nothing, beside one of its kind that does something."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.none = nn.Dropout(0.0)
        self.some = nn.Dropout(0.5)

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        x = torch.ops.aten.slice.Tensor(x, 0, 0, 9223372036854775807)
        x = torch.ops.aten.slice.Tensor(x, 1, 1, 9223372036854775807)
        x = torch.ops.aten.to.dtype(x, torch.float32)
        x = torch.ops.aten.to.dtype(x, torch.float64)
        x = torch.ops.aten.to.dtype(x, torch.float32)
        ids = torch.ops.aten.add.Tensor(ids, 0)
        ids = torch.ops.aten.add.Tensor(ids, 1)
        x = torch.ops.aten.add.Tensor(x, 0)
        x = self.some(self.none(self.inner(x)))
        return x * ids.unsqueeze(1)


@pytest.fixture
def leftovers() -> Program:
    inputs = {"x": torch.randn(3, 5), "ids": torch.arange(3)}
    names = {"x": {0: "batch"}, "ids": {0: "batch"}}
    found = capture(Leftovers(), inputs, names)
    with found.graph.inserting_before(found.output):
        dead = found.graph.call_function(aten.relu.default, (found.output.args[0][0],))
        dead.name = "dead"
    return found


def test_each_call_that_does_nothing_is_named_and_gone(leftovers: Program) -> None:
    before = leftovers.outputs()
    (step,) = apply([Clean()], leftovers)
    assert sorted(step.report.did.values()) == [
        "adds zero",
        "casts to the type it has",
        "drops nothing out",
        "its result is not used",
        "slices the whole",
    ]
    assert step.nodes[0] - step.nodes[1] == 5
    assert all(torch.equal(a, b) for a, b in zip(before, leftovers.outputs(), strict=True))


def test_the_calls_that_do_something_stay(leftovers: Program) -> None:
    apply([Clean()], leftovers)
    called = [str(n.target) for n in leftovers.graph.nodes if n.op.startswith("call_")]
    assert sorted(called) == [
        "aten.add.Tensor",
        "aten.add.Tensor",
        "aten.linear.default",
        "aten.mul.Tensor",
        "aten.slice.Tensor",
        "aten.to.dtype",
        "aten.to.dtype",
        "aten.unsqueeze.default",
        "dropout_1",
    ]


def test_an_input_that_nothing_reads_stays() -> None:
    class Deaf(nn.Module):
        def forward(self, x: Tensor, unread: Tensor) -> Tensor:
            return x + 1

    found = capture(Deaf(), {"x": torch.randn(2), "unread": torch.randn(2)}, {})
    apply([Clean()], found)
    assert found.outputs()[0].shape == (2,)
    assert [n.name for n in found.graph.find_nodes(op="placeholder")] == ["x", "unread"]


@pytest.mark.parametrize("kind", EVERY)
def test_a_real_models_outputs_are_bit_equal(kind: str) -> None:
    found = program(kind)
    before, parameters = found.outputs(), found.parameter_count()
    apply([Clean()], found)
    assert all(torch.equal(a, b) for a, b in zip(before, found.outputs(), strict=True))
    assert found.parameter_count() == parameters


def test_what_is_written_in_place_stays() -> None:
    class Shifted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            shifted = torch.zeros_like(x)
            shifted[:, 1:] = x[:, :-1].clone()
            return shifted

    found = capture(Shifted(), {"x": torch.arange(6).view(2, 3)}, {"x": {0: "batch"}})
    apply([Clean()], found)
    assert found.outputs()[0].tolist() == [[0, 0, 1], [0, 3, 4]]
