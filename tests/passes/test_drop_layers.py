"""Dropping layers: the paper's choices, and outputs of a model that never had them."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import fx, nn
from torch.nn.functional import cosine_similarity

from passes import drop_layers
from passes.drop_layers import DropLayers
from sparsify import surgery
from sparsify.analysis.blocks import Block
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Edit, Program
from tests.sparsify.programs import Toy, captured, model, program


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the stacks of layers that a program seems to have; empty: to be filled."""
    sizes: list[int] = []
    graph = fx.Graph()
    made: list[Block] = []

    def blocks(_program: Program) -> list[Block]:
        if not made:
            for count in sizes:
                nodes = [graph.placeholder("state") for _ in range(count + 1)]
                names = [f"layer.{len(made) + i}" for i in range(count)]
                made.extend(
                    Block(name, a, b, (), ())
                    for name, (a, b) in zip(names, pairwise(nodes), strict=True)
                )
        return list(made)

    def bypass(found: Program, places: list[int]) -> None:
        found.edits.append(Edit("bypass", places))
        for place in reversed(places):
            gone = made.pop(place)
            if place < len(made) and made[place].input is gone.output:
                after = made[place]
                made[place] = Block(after.name, gone.input, after.output, (), ())

    monkeypatch.setattr(drop_layers, "blocks", blocks)
    monkeypatch.setattr(surgery, "bypass", bypass, raising=False)
    return sizes


def dropped(found: Program, **options: Any) -> list[int]:
    """The numbers of the layers that went, counted from 1 as in the paper."""
    (step,) = apply([DropLayers.model_validate(options)], found)
    assert step.report.facts["dropped_layers"] == len(step.report.did)
    return [int(name.removeprefix("layer.")) + 1 for name in step.report.did]


@pytest.mark.parametrize(
    ("which", "count", "expected"),
    [
        ("top", 4, [9, 10, 11, 12]),
        ("bottom", 4, [1, 2, 3, 4]),
        ("alternate", 4, [5, 7, 9, 11]),
        ("alternate", 6, [1, 3, 5, 7, 9, 11]),
        ("symmetric", 6, [4, 5, 6, 7, 8, 9]),
        ("symmetric", 4, [5, 6, 7, 8]),
        ("symmetric", 5, [5, 6, 7, 8, 9]),
    ],
)
def test_the_layers_are_those_of_the_paper(
    stacks: list[int], which: str, count: int, expected: list[int]
) -> None:
    stacks.append(12)
    assert dropped(program(Toy), which=which, count=count) == expected


def test_layers_that_share_their_weights_are_told_apart(
    stacks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks.append(3)
    found = drop_layers.blocks(program(Toy))
    alike = [Block("group", each.input, each.output, (), ()) for each in found]
    monkeypatch.setattr(drop_layers, "blocks", lambda _program: alike)
    (step,) = apply([DropLayers(which="top", count=1)], program(Toy))
    assert step.report.did == {"group, layer 2": "dropped"}
    assert step.report.left == {"group, layer 0": "kept", "group, layer 1": "kept"}


def test_every_stack_loses_as_many(stacks: list[int]) -> None:
    stacks += [4, 3]
    assert dropped(program(Toy), which="top", count=2) == [3, 4, 6, 7]


@pytest.mark.parametrize("which", ["top", "bottom", "alternate", "symmetric"])
def test_running_it_twice_equals_running_it_once(stacks: list[int], which: str) -> None:
    stacks += [6, 6]
    found = program(Toy)
    assert dropped(found, which=which, count=2)
    assert dropped(found, which=which, count=2) == []


def test_numbers_stay_those_of_the_model_that_was_captured(stacks: list[int]) -> None:
    stacks.append(6)
    found = program(Toy)
    assert dropped(found, layers=[1, 4]) == [2, 5]
    assert dropped(found, layers=[1, 5]) == [6]
    assert dropped(found, layers=[1, 4, 5]) == []
    assert found.edits == [Edit("bypass", [1, 4]), Edit("bypass", [3])]


@pytest.mark.parametrize(
    ("sizes", "options", "said"),
    [
        (
            [],
            {"which": "top", "count": 1},
            "no repeated layers are found in this program; leave `drop-layers` out of the recipe",
        ),
        ([4], {"which": "top", "count": 4}, "count: 4 of 4 layers leave none"),
        ([4, 2], {"which": "bottom", "count": 3}, "count: 3 of 2 layers leave none"),
        ([5], {"which": "alternate", "count": 3}, "count: every other of 5 layers are 2"),
        ([3], {"layers": [3]}, "layers: no layer 3; they go from 0 to 2"),
        ([2], {"layers": [0, 1]}, "layers: no layer would be left"),
    ],
)
def test_a_mistake_is_one_sentence(
    stacks: list[int], sizes: list[int], options: dict[str, Any], said: str
) -> None:
    stacks += sizes
    with pytest.raises(Problem) as caught:
        dropped(program(Toy), **options)
    where, _, _ = said.partition(": ")
    assert str(caught.value) == (f"passes[0]: {said}" if where else said)


@pytest.mark.parametrize(
    "options",
    [{}, {"which": "top"}, {"count": 2}, {"which": "top", "count": 1, "layers": [1]},
     {"count": 1, "layers": [1]}],
)  # fmt: skip
def test_there_is_one_way_to_say_which(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        DropLayers.model_validate(options)
    said = "Value error, give `which` and `count`, or `layers`"
    assert caught.value.errors()[0]["msg"] == said


@cache
def deep() -> tuple[nn.Module, Program]:
    module = model("bert", num_hidden_layers=4)
    with torch.no_grad():
        # layers that change the state by different amounts
        for number, layer in enumerate(module.get_submodule("bert.encoder.layer").children()):
            layer.get_submodule("output.dense").weight.mul_(4 / (number + 1))
    return module, captured(module)


@pytest.mark.parametrize(("options", "stays"), [
    ({"which": "top", "count": 2}, [0, 1]),
    ({"which": "bottom", "count": 1}, [1, 2, 3]),
    ({"layers": [1, 2]}, [0, 3]),
])  # fmt: skip
def test_outputs_are_those_of_a_model_that_never_had_them(
    options: dict[str, Any], stays: list[int]
) -> None:
    module, start = deep()
    found = start.clone()
    (step,) = apply([DropLayers.model_validate(options)], found)
    layers = module.get_submodule("bert.encoder.layer")
    assert isinstance(layers, nn.ModuleList)
    module.bert.encoder.layer = nn.ModuleList([layers[i] for i in stays])  # type: ignore[union-attr]
    try:
        with torch.no_grad():
            expected = module.eval()(**start.inputs).logits
    finally:
        module.bert.encoder.layer = layers  # type: ignore[union-attr]
    assert torch.equal(found.outputs()[0], expected)
    assert step.report.facts == {"layers": len(stays), "dropped_layers": 4 - len(stays)}
    kept = {int(name.split(".")[3]) for name in step.report.left}
    assert kept == set(stays)
    assert found.parameter_count() < start.parameter_count()


def test_the_layers_that_change_the_state_least_go() -> None:
    module, start = deep()
    with torch.no_grad():
        states = module.eval()(**start.inputs, output_hidden_states=True).hidden_states
    alike = [float(cosine_similarity(a, b, dim=-1).mean()) for a, b in pairwise(states)]
    found = start.clone()
    (step,) = apply([DropLayers(which="contribution", count=2)], found)
    least = sorted(range(4), key=lambda i: alike[i])[2:]
    assert {int(name.split(".")[3]) for name in step.report.did} == set(least)
    told = step.report.did | step.report.left
    for name, text in told.items():
        assert text.endswith(f", its output {alike[int(name.split('.')[3])]:.4f} like its input")
