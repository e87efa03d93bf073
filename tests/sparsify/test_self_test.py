"""The self-test of a capture: silent on faithful graphs, loud on the others."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsify.errors import Problem
from sparsify.self_test import self_test
from tests.sparsify.programs import EVERY, Toy, captured, pair

MESSAGE = (
    r"the captured graph differs from \w+: outputs by \d\.\de[+-]\d\d, gradients by \d\.\de[+-]\d\d"
    "; its forward does something that a graph cannot hold, such as a random branch"
)


class Scaled(Toy):
    """Multiplies by a number that no graph can draw again."""

    def forward(self, input_ids: Tensor) -> Tensor:
        return super().forward(input_ids) * random.uniform(1, 2)


class Louder(Toy):
    """Computes something else while training."""

    def forward(self, input_ids: Tensor) -> Tensor:
        found = super().forward(input_ids)
        return found * 1.01 if self.training else found


class Detached(Toy):
    """The same outputs in both modes, and other gradients."""

    def forward(self, input_ids: Tensor) -> Tensor:
        found = super().forward(input_ids)
        return found if self.training else found.detach() + 0 * found


class Wrapped(Toy):
    """Looks at the length it was captured with."""

    def forward(self, input_ids: Tensor) -> Tensor:
        length: int = int(input_ids.shape[1])
        return super().forward(input_ids) * (2.0 if length == 3 else 1.0)


@pytest.mark.parametrize("kind", EVERY)
def test_a_faithful_capture_passes(kind: str) -> None:
    module, program = pair(kind)
    module.train()
    program.module.train()
    state = torch.random.get_rng_state()
    found = self_test(module, program)
    assert max(found.max_output_difference, found.max_gradient_difference) <= 1e-6
    assert found.shapes == [[3, 7], [1, 5]]
    assert found.seconds > 0
    assert torch.equal(state, torch.random.get_rng_state())
    assert module.training
    assert program.module.training
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize("kind", [Scaled, Louder, Detached])
def test_a_forward_that_no_graph_holds_is_a_mistake(kind: type[nn.Module]) -> None:
    random.seed(1)
    module = kind()
    with pytest.raises(Problem) as caught:
        self_test(module, captured(module))
    assert re.fullmatch(MESSAGE, str(caught.value))
    assert f"differs from {kind.__name__}:" in str(caught.value)


def test_a_program_of_other_weights_is_found_out() -> None:
    module = Toy()
    program = captured(module).clone()
    with torch.no_grad():
        program.tensor("head.bias").add_(1)
    with pytest.raises(Problem, match=r"Toy: outputs by 1\.0e\+00, "):
        self_test(module, program)


def test_other_output_shapes_are_infinitely_far() -> None:
    module = Toy()
    program = captured(module)
    module.head = nn.Linear(4, 3)
    with pytest.raises(Problem, match="outputs by inf"):
        self_test(module, program)


class Remembering(Toy):
    """Keeps a table from evaluation to evaluation: one made without gradients gives none."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Tensor | None = None

    def train(self, mode: bool = True) -> Remembering:
        self.table = None if mode else self.table
        return super().train(mode)

    def forward(self, input_ids: Tensor) -> Tensor:
        if self.training:
            return super().forward(input_ids) * self.head.bias.exp()
        self.table = self.head.bias.exp() if self.table is None else self.table
        return super().forward(input_ids) * self.table


def test_what_a_model_remembers_from_evaluation_is_dropped() -> None:
    module = Remembering()
    with torch.no_grad():
        module.eval()(torch.zeros(2, 3, dtype=torch.int64))
    assert self_test(module, captured(module)).max_gradient_difference <= 1e-6


class Several(Toy):
    """Integers, nothing, and numbers that are not finite, nested."""

    def forward(self, input_ids: Tensor) -> dict[str, Any]:  # type: ignore[override]
        found = super().forward(input_ids)
        masked = found.masked_fill(found > found.mean(), float("-inf"))
        return {"best": found.argmax(-1), "none": None, "pair": (found, [masked])}


def test_outputs_of_every_kind_are_compared() -> None:
    torch.manual_seed(0)
    module = Several()
    program = captured(module)
    assert self_test(module, program).max_output_difference == 0.0
    with torch.no_grad():
        program = program.clone()
        program.tensor("head.bias")[0] += 100
    with pytest.raises(Problem, match="outputs by inf"):
        self_test(module, program)


class Frozen(Toy):
    """Learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


def test_a_model_that_learns_nothing_is_compared_by_its_outputs() -> None:
    module = Frozen()
    assert self_test(module, captured(module)).max_gradient_difference == 0.0
