"""Shows that a call on what stays of its operands gives what stays of its result."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, fx

from sparsify.analysis.coupling.kept import Remaining, refusal, select, shape_of
from sparsify.analysis.coupling.plan import Change
from sparsify.analysis.coupling.rewrites.calls import Call, Times, as_it_is
from sparsify.analysis.coupling.rules.movement import expand, move, reshape
from sparsify.analysis.coupling.rules.pointwise import combine
from sparsify.analysis.coupling.walk import RULES, Walk, is_pointwise
from sparsify.analysis.flow import LIKE
from sparsify.program import aten

MOVES = {target for target, rule in RULES.items() if rule in (move, reshape, expand)}
ANSWERED = {operator.getitem, aten.sym_size.int}
"""Calls whose results their rewrite gives as they are."""
POINTWISE = {target for target, rule in RULES.items() if rule is combine} - LIKE


def prove(walk: Walk, change: Change, remaining: Remaining) -> None:
    """Carry out a movement on the positions themselves; compare the shapes of other calls.

    Raises:
        Problem: the call, on what stays, gives something else.
    """
    node = change.node
    try:
        if node.target in MOVES:
            right = _moves(walk, change, remaining)
        elif node in walk.sources or node.target in ANSWERED:
            right = True
        else:
            right = _shapes(walk, change, remaining) == _expected(walk, node, remaining)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise refusal(node, str(error).partition("\n")[0]) from error
    if not right:
        raise refusal(node, "the result would not be what stays of it")


def _moves(walk: Walk, change: Change, remaining: Remaining) -> bool:
    """Whether the call moves what stays to where the whole was moved."""
    node = change.node
    source = node.args[0]
    assert isinstance(source, fx.Node)
    shape = walk.sizes.shape(source)
    whole = torch.arange(torch.Size(shape).numel()).view(shape)
    small = select(whole, remaining.of(source))
    # another tensor among the arguments only lends its shape
    lent = [each for each in node.all_input_nodes if isinstance(each.meta.get("val"), Tensor)]
    sizes = {each: walk.sizes.shape(each) for each in lent if each is not source}
    then = {each: whole.new_zeros(1).expand(size) for each, size in sizes.items()}
    now = {each: select(value, remaining.of(each)) for each, value in then.items()}
    before = _called(walk, as_it_is(node), {source: whole, **then})
    after = _called(walk, change.call, {source: small, **now})
    if isinstance(before, Tensor):
        return torch.equal(after, select(before, remaining.of(node)))
    kept = remaining.each(node)
    return len(before) == len(after) and all(
        torch.equal(b, select(a, k)) for a, b, k in zip(before, after, kept, strict=True)
    )


def _shapes(walk: Walk, change: Change, remaining: Remaining) -> list[tuple[int, ...]]:
    """The shapes of the results on operands without storage."""
    operands = {}
    copied = {copy.operand: copy.remaining for copy in change.copies}
    for each in change.node.all_input_nodes:
        if isinstance(each.meta.get("val"), Tensor) or each.op == "get_attr":
            kept = copied.get(each, remaining).of(each)
            shape = shape_of(walk.sizes.shape(each), kept)
            operands[each] = torch.empty(shape, dtype=_dtype(walk, each), device="meta")
    target = change.call.target
    if target in POINTWISE or is_pointwise(target):
        return [tuple(sum(operands.values(), torch.zeros((), device="meta")).shape)]
    found = _called(walk, change.call, operands)
    return [tuple(each.shape) for each in ([found] if isinstance(found, Tensor) else found)]


def _expected(walk: Walk, node: fx.Node, remaining: Remaining) -> list[tuple[int, ...]]:
    if isinstance(node.meta["val"], Tensor):
        return [shape_of(walk.sizes.shape(node), remaining.of(node))]
    shapes, kept = walk.sizes.shapes(node), remaining.each(node)
    if not kept:
        return shapes
    return [shape_of(shape, each) for shape, each in zip(shapes, kept, strict=True)]


def _called(walk: Walk, call: Call, operands: dict[fx.Node, Tensor]) -> Any:
    """The result of a call on tensors in place of nodes."""

    def replaced(argument: Any) -> Any:
        if isinstance(argument, Times):
            return walk.sizes.size(argument.node.meta["val"]) * argument.factor
        return operands.get(argument, argument) if isinstance(argument, fx.Node) else argument

    args, kwargs = walk.sizes.arguments((call.args, call.kwargs))
    args, kwargs = fx.node.map_aggregate((args, kwargs), replaced)
    target = call.target
    if isinstance(target, str):
        target = walk.program.module.get_submodule(target)
    return target(*args, **kwargs)


def _dtype(walk: Walk, node: fx.Node) -> torch.dtype:
    if node.op == "get_attr":
        return walk.program.tensor(str(node.target)).dtype
    dtype: torch.dtype = node.meta["val"].dtype
    return dtype
