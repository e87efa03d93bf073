"""Dimensions that a model fixes or branches on are told, with the line that does it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.self_test import self_test


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)


def captured(model: nn.Module, **shapes: tuple[int, ...]) -> Program:
    inputs = {name: torch.randn(shape) for name, shape in shapes.items()}
    dynamic = {name: {0: "batch", 1: "sequence"} for name in shapes}
    if "y" in dynamic:
        dynamic["y"][1] = "other"
    return capture(model, inputs, dynamic)


def line(model: type[nn.Module], number: int) -> str:
    return f"test_sizes.py:{model.forward.__code__.co_firstlineno + number}"


class Table(Layer):
    """Adds a table that has a row for every place."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(12, 4))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x) + self.places
        return found


def test_a_dimension_that_meets_a_constant_is_fixed_by_that_line() -> None:
    model = Table()
    program = captured(model, x=(2, 12, 4))
    assert program.dynamic == {"x": {0: "batch"}}
    assert program.origin.notes == (
        f"sequence is fixed at its size in the example inputs by {line(Table, 1)}",
    )
    assert self_test(model, program).shapes == [[3], [1]]


class Windows(Layer):
    """Does something else to long texts."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] > 8:
            x = x * 2
        found: Tensor = self.layer(x)
        return found


def test_a_branch_on_a_size_holds_where_it_was_taken_and_is_told() -> None:
    model = Windows()
    program = captured(model, x=(2, 12, 4))
    assert program.dynamic == {"x": {0: "batch", 1: "sequence"}}
    (condition,) = program.origin.conditions
    assert condition.line == line(Windows, 1)
    assert program.origin.allows({"batch": 1, "sequence": 9})
    assert not program.origin.allows({"batch": 1, "sequence": 8})
    assert program.origin.notes == (
        f"the graph stands for the model only where sequence > 8, by {line(Windows, 1)}",
    )
    assert all(sequence > 8 for _, sequence in self_test(model, program).shapes)


class Sum(Layer):
    """Adds two texts, so that they are of one length."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        found: Tensor = self.layer(x + y)
        return found


def test_dimensions_that_the_model_holds_equal_get_one_name() -> None:
    model = Sum()
    program = captured(model, x=(2, 12, 4), y=(2, 12, 4))
    assert program.dynamic["y"] == {0: "batch", 1: "sequence"}
    assert program.origin.notes == ()
    assert self_test(model, program).shapes == [[3, 7], [1, 5]]


class Chooses(Layer):
    """Attention that can be traced only as it is written out."""

    def __init__(self) -> None:
        super().__init__()
        self.config = nn.Module()
        self.config._attn_implementation = "sdpa"  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        if self.config._attn_implementation == "sdpa" and x.sum() > 1e9:
            x = x * 2
        found: Tensor = self.layer(x)
        return found


def test_attention_is_traced_as_written_out_where_it_must() -> None:
    model = Chooses()
    program = captured(model, x=(2, 12, 4))
    assert model.config._attn_implementation == "sdpa"
    assert self_test(model, program).max_output_difference == 0.0


@pytest.mark.parametrize(
    ("names", "message"),
    [("xz", "Sum takes no input 'z'; known: x, y"), ("x", "Sum needs the input 'y'")],
)
def test_inputs_of_wrong_names_are_a_mistake(names: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        captured(Sum(), **dict.fromkeys(names, (2, 12, 4)))
    assert str(caught.value) == message
