"""The spec: what is true of every program between two passes. One rule, one function."""

from __future__ import annotations

from collections.abc import Callable

import torch

from sparsify.dropout import NAMES
from sparsify.errors import Violation
from sparsify.program import MASK, Program

ATEN = torch._ops.OpOverload | torch._ops.HigherOrderOperator
SCALAR_MODULES = ("_operator", "math", "torch")
"""Where the functions come from that compute sizes, and pick one of several results."""


def verify(program: Program, *, after: str) -> None:
    """Hold `program` to every rule.

    Raises:
        Violation: a rule does not hold; `after` names the pass to blame.
    """
    for rule in RULES:
        if broken := rule(program):
            raise Violation(f"after {after}: {broken} [{rule.__name__}]")


def the_graph_is_well_formed(program: Program) -> str | None:
    try:
        program.graph.lint()
    except RuntimeError as error:
        return str(error)
    return None


def calls_are_aten_or_dropout(program: Program) -> str | None:
    for node in program.graph.nodes:
        if node.op == "call_method":
            return f"%{node.name} is a call of a method"
        if node.op == "call_module":
            part = program.module.get_submodule(str(node.target))
            known = type(part) in NAMES or str(node.target) in program.origin.opaque
            if not known:
                return f"%{node.name} calls a {type(part).__name__}"
        known = isinstance(node.target, ATEN) or (
            getattr(node.target, "__module__", "") in SCALAR_MODULES
        )
        if node.op == "call_function" and not known:
            return f"%{node.name} calls {node.target}, which is no aten overload"
    return None


def every_value_has_a_shape(program: Program) -> str | None:
    for node in program.graph.nodes:
        if node.op in ("placeholder", "call_module") and "val" not in node.meta:
            return f"%{node.name} carries no meta['val']"
    return None


def every_tensor_is_read(program: Program) -> str | None:
    for node in program.graph.find_nodes(op="get_attr"):
        if not node.users:
            return f"@{node.target} is read by nothing"
    return None


def inputs_are_those_captured(program: Program) -> str | None:
    names = [str(node.target) for node in program.graph.find_nodes(op="placeholder")]
    return None if names == list(program.inputs) else f"the inputs are {', '.join(names)}"


def masks_fit_and_are_binary(program: Program) -> str | None:
    for weight, mask in program.masks().items():
        if mask.shape != program.tensor(weight).shape:
            return f"@{weight}{MASK} has shape {tuple(mask.shape)}"
        if not bool(((mask == 0) | (mask == 1)).all()):
            return f"@{weight}{MASK} holds values other than 0 and 1"
    return None


RULES: tuple[Callable[[Program], str | None], ...] = (
    the_graph_is_well_formed,
    calls_are_aten_or_dropout,
    every_value_has_a_shape,
    every_tensor_is_read,
    inputs_are_those_captured,
    masks_fit_and_are_binary,
)
