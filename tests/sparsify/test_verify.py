"""Every rule of the spec has a program that breaks it."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
import torch
from torch import nn

from passes.insert_masks import InsertMasks
from sparsify.errors import Violation
from sparsify.program import Program, aten
from sparsify.verify import RULES, verify
from tests.sparsify.programs import EVERY, Toy, program, ran


def unordered(found: Program) -> None:
    nodes = [node for node in found.graph.nodes if node.op == "call_function"]
    nodes[0].append(nodes[2])


def method(found: Program) -> None:
    with found.graph.inserting_before(found.output):
        found.graph.call_method("float", (found.output.args[0][0],))


def foreign_module(found: Program) -> None:
    found.module.add_submodule("odd", nn.ReLU())
    with found.graph.inserting_before(found.output):
        found.graph.call_module("odd", (found.output.args[0][0],))


def foreign_call(found: Program) -> None:
    with found.graph.inserting_before(found.output):
        found.graph.call_function(nn.functional.relu, (found.output.args[0][0],))


def shapeless(found: Program) -> None:
    del next(iter(found.graph.find_nodes(op="placeholder"))).meta["val"]


def shapeless_dropout(found: Program) -> None:
    next(n for n in found.graph.nodes if n.op == "call_module").meta.clear()


def unread(found: Program) -> None:
    found.graph.get_attr("head.bias")


def without_input(found: Program) -> None:
    found.inputs = {"ids": found.inputs["input_ids"]}


def grey(found: Program) -> None:
    found.tensor("inner.weight_mask")[0, 0] = 0.5


def misfit(found: Program) -> None:
    found.module.get_submodule("inner").register_buffer("weight_mask", torch.ones(4))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (unordered, "the_graph_is_well_formed"),
        (method, "%float_1 is a call of a method [calls_are_aten_or_dropout]"),
        (foreign_module, "%odd calls a ReLU [calls_are_aten_or_dropout]"),
        (foreign_call, "which is no aten overload [calls_are_aten_or_dropout]"),
        (shapeless, "carries no meta['val'] [every_value_has_a_shape]"),
        (shapeless_dropout, "%dropout_0 carries no meta['val'] [every_value_has_a_shape]"),
        (unread, "@head.bias is read by nothing [every_tensor_is_read]"),
        (without_input, "the inputs are input_ids [inputs_are_those_captured]"),
        (grey, "@inner.weight_mask holds values other than 0 and 1 [masks_fit_and_are_binary]"),
        (misfit, "@inner.weight_mask has shape (4,) [masks_fit_and_are_binary]"),
    ],
)
def test_a_broken_rule_is_named_and_the_pass_blamed(
    damage: Callable[[Program], None], said: str
) -> None:
    found = ran(Toy, InsertMasks())
    verify(found, after="nothing")
    damage(found)
    with pytest.raises(Violation) as caught:
        verify(found, after="vandal")
    assert str(caught.value).startswith("after vandal: ")
    assert said in str(caught.value)


def test_every_rule_is_broken_above() -> None:
    assert {rule.__name__ for rule in RULES} == {
        "the_graph_is_well_formed",
        "calls_are_aten_or_dropout",
        "every_value_has_a_shape",
        "every_tensor_is_read",
        "inputs_are_those_captured",
        "masks_fit_and_are_binary",
    }


@pytest.mark.parametrize("kind", EVERY)
def test_every_captured_program_obeys(kind: str) -> None:
    verify(program(kind), after="capture")


def test_calls_on_sizes_are_allowed() -> None:
    found = program(Toy)
    source = next(n for n in found.graph.nodes if n.op == "placeholder")
    with found.graph.inserting_before(found.output):
        size = found.graph.call_function(aten.sym_size.int, (source, 0))
        found.graph.call_function(operator.mul, (size, 2))
    verify(found, after="nothing")
