"""Submodules that no graph can hold stay as they are; all else is captured."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.self_test import self_test
from sparsify.text import to_text
from sparsify.verify import verify

DYNAMIC = {"x": {0: "batch", 1: "sequence"}}


class Moody(nn.Module):
    """Branches on values, drops out, and returns more than a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor, *, scale: float, length: int) -> dict[str, Any]:
        state = self.drop(self.layer(x))
        if state.sum() > 0:
            state = -state
        places = torch.arange(length)
        return {"states": (scale * state, state.sum(-1)), "nothing": None, "places": places}


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.moods = nn.ModuleList([Moody(), Moody()])
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        """f32[batch, sequence, 2] from f32[batch, sequence, 4]."""
        state = self.first(x)
        for mood in self.moods:
            found = mood(state, scale=0.5, length=x.shape[1])
            inner, total = found["states"]
            state = state + inner + total[..., None] + found["places"][:, None]
        logits: Tensor = self.head(state)
        return logits


def example() -> dict[str, Tensor]:
    return {"x": torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))}


@pytest.fixture
def whole() -> Whole:
    torch.manual_seed(0)
    return Whole()


@pytest.fixture
def program(whole: Whole) -> Program:
    return capture(whole, example(), DYNAMIC, opaque=["moods.*"])


def test_without_it_the_submodule_and_the_line_are_named(whole: Whole) -> None:
    with pytest.raises(Problem) as caught:
        capture(whole, example(), DYNAMIC)
    line = Moody.forward.__code__.co_firstlineno + 2
    assert str(caught.value) == (
        f"moods.0, test_opaque.py:{line}: Whole cannot be captured: a branch depends on values of"
        " tensors; rewrite that line, or name its submodule in capture.opaque"
    )


def test_outputs_gradients_and_modes_are_the_models(whole: Whole, program: Program) -> None:
    found = self_test(whole, program)
    assert max(found.max_output_difference, found.max_gradient_difference) <= 1e-6
    assert found.shapes == [[3, 7], [1, 5]]


def test_the_submodule_is_one_call_and_keeps_its_names(whole: Whole, program: Program) -> None:
    assert program.origin.opaque == ("moods.0", "moods.1")
    own = dict(whole.named_parameters())
    assert dict(program.module.named_parameters()) == own
    assert {str(node.target) for node in program.parameters()} == {
        name for name in own if not name.startswith("moods")
    }
    assert program.origin.unused == ()
    assert "moods.0(%linear, scale=0.5, length=%sym_size_int_" in to_text(program)
    verify(program, after="capture")


def test_a_clone_has_a_submodule_of_its_own(program: Program) -> None:
    before = program.outputs()[0]
    other = program.clone()
    verify(other, after="clone")
    with torch.no_grad():
        other.tensor("moods.0.layer.weight").zero_()
    assert torch.equal(program.outputs()[0], before)
    assert not torch.equal(other.outputs()[0], before)


def test_what_lies_inside_an_opaque_submodule_is_not_named_again(whole: Whole) -> None:
    found = capture(whole, example(), DYNAMIC, opaque=["moods*", "moods.1.layer"])
    assert found.origin.opaque == ("moods.0", "moods.1")


def test_a_pattern_that_matches_nothing_is_a_mistake(whole: Whole) -> None:
    with pytest.raises(Problem) as caught:
        capture(whole, example(), DYNAMIC, opaque=["mood.0"])
    assert str(caught.value) == (
        "capture.opaque: 'mood.0' matches no submodule; did you mean 'moods.0'?"
    )


class Halving(nn.Module):
    """Returns a size that no argument has."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.AvgPool1d(2)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.inner(x.transpose(1, 2)).transpose(1, 2))
        return found


def test_a_result_whose_sizes_do_not_follow_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        capture(Halving(), example(), DYNAMIC, opaque=["inner"])
    assert str(caught.value) == (
        "capture.opaque: inner: the sizes of what it returns do not follow from what it is given;"
        " name a larger submodule"
    )
