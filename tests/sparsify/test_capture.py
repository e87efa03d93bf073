"""A captured program does what its model does, with the model's own parameters."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsify.capture import CHECKS, capture
from sparsify.dropout import dropping
from sparsify.errors import Problem
from sparsify.examples import at_sizes
from sparsify.program import Program
from tests.sparsify.programs import EVERY, Tied, captured, model, pair

SHAPES = ({"batch": 3, "sequence": 7}, {"batch": 1, "sequence": 16}, {"batch": 5, "sequence": 2})


def logits(found: Any) -> Tensor:
    value: Tensor = getattr(found, "logits", found)
    return value


def at(program: Program, sizes: dict[str, int]) -> dict[str, Tensor]:
    return at_sizes(program.inputs, program.dynamic, sizes, seed=1)


@pytest.mark.parametrize("kind", EVERY)
def test_outputs_and_gradients_equal_the_models_at_other_shapes(kind: str) -> None:
    module, program = pair(kind)
    module.eval()
    program.module.eval()
    parameters = dict(module.named_parameters())
    for sizes in SHAPES:
        inputs = at(program, sizes)
        expected, found = logits(module(**inputs)), logits(program.module(**inputs))
        assert expected.shape == found.shape == (sizes["batch"], 2)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
        wave = torch.cos(torch.arange(expected.numel())).view_as(expected)
        options: Any = {"allow_unused": True}
        for name, one, other in zip(
            parameters,
            torch.autograd.grad((expected * wave).sum(), list(parameters.values()), **options),
            torch.autograd.grad((found * wave).sum(), list(parameters.values()), **options),
            strict=True,
        ):
            assert (one is None) == (other is None), name
            if one is not None:
                assert float((one - other).abs().max()) <= 1e-6, name


@pytest.mark.parametrize("kind", EVERY)
def test_dropout_is_drawn_as_in_the_model_and_only_while_training(kind: str) -> None:
    module, program = pair(kind)
    inputs = at(program, SHAPES[0])

    def draw(runner: nn.Module, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return logits(runner(**inputs)).detach()

    module.train()
    program.module.train()
    first = draw(program.module, 1)
    assert torch.equal(first, draw(module, 1))
    assert torch.equal(first, draw(program.module, 1))
    assert not torch.equal(first, draw(program.module, 2))
    program.module.eval()
    assert torch.equal(draw(program.module, 1), draw(program.module, 2))


@pytest.mark.parametrize("kind", EVERY)
def test_dropout_is_drawn_at_another_rate_while_that_is_asked_for(kind: str) -> None:
    _, program = pair(kind)
    inputs = at(program, SHAPES[0])

    def draw(rate: float | None) -> Tensor:
        torch.manual_seed(1)
        with dropping(program.module, rate):
            return logits(program.module(**inputs)).detach()

    program.module.train()
    own = draw(None)
    none = draw(0.0)
    assert not torch.equal(own, none)
    assert not torch.equal(own, draw(0.5))
    assert torch.equal(own, draw(None))
    program.module.eval()
    torch.testing.assert_close(none, draw(None), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", EVERY)
def test_parameters_are_the_models_own_objects_under_their_own_names(kind: str) -> None:
    module, program = pair(kind)
    own = dict(module.named_parameters())
    found = dict(program.module.named_parameters())
    assert found
    assert all(own[name] is parameter for name, parameter in found.items())
    assert {str(node.target) for node in program.parameters()} == set(found)


@pytest.mark.parametrize("kind", EVERY)
def test_neither_checks_nor_guards_nor_hooks_remain(kind: str) -> None:
    module = pair(kind)[1].module
    for part in module.modules():
        assert not part._forward_pre_hooks
        if isinstance(part, torch.fx.GraphModule):
            assert not [n for n in part.graph.nodes if n.target in CHECKS]
            assert not [n for n in part.graph.nodes if "guard" in str(n.target)]
    assert not hasattr(module, "_guards_fn")


def test_a_tied_weight_has_one_node_and_one_name() -> None:
    module = Tied()
    program = captured(module)
    names = [str(node.target) for node in program.parameters()]
    assert sorted(names) == ["inner.bias", "inner.weight", "words.weight"]
    (table,) = [node for node in program.parameters() if node.target == "words.weight"]
    assert len(table.users) == 2
    assert program.parameter_count() == 6 * 4 + 4 * 4 + 4


def test_a_clone_shares_no_tensor_and_keeps_ties() -> None:
    program = captured(Tied())
    before = program.outputs()[0]
    other = program.clone()
    assert other.parameter_count() == program.parameter_count()
    with torch.no_grad():
        other.tensor("words.weight").zero_()
    assert torch.equal(program.outputs()[0], before)
    assert not other.outputs()[0].any()


@pytest.mark.parametrize("training", [True, False])
def test_the_models_own_settings_are_put_back(training: bool) -> None:
    module: Any = model("bert").train(training)
    module.config.use_cache = True
    program = captured(module)
    assert module.training == program.module.training == training
    assert all(part.training == training for part in module.modules())
    assert module.config.use_cache is True


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:
            x = -x
        out: Tensor = self.layer(x)
        return out


def test_a_branch_on_values_is_a_mistake() -> None:
    module = Branching().eval()
    with pytest.raises(Problem) as caught:
        capture(module, {"x": torch.randn(2, 3)}, {"x": {0: "batch"}})
    assert re.fullmatch(
        r"Branching, test_capture\.py:\d+: Branching cannot be captured: a branch depends on values"
        r" of tensors; rewrite that line, or name its submodule in capture\.opaque",
        str(caught.value),
    )
    assert not module.training


def test_a_dimension_that_the_model_fixes_stays_fixed() -> None:
    class Fixed(Branching):
        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.layer(x.view(2, 3))
            return out

    program = capture(Fixed(), {"x": torch.randn(2, 3)}, {"x": {0: "batch"}})
    assert [tuple(value.shape) for value in program.outputs()] == [(2, 3)]
