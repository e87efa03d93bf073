"""Write the calls of a plan into the graph."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx

from sparsify.analysis.coupling.kept import Kept, Positions, Remaining
from sparsify.analysis.coupling.plan import Copy, Plan
from sparsify.analysis.coupling.rewrites.calls import Call, Times
from sparsify.program import Program, aten


def rewrite(program: Program, plan: Plan) -> None:
    """Change what nodes call and the shapes in `meta`, and put copies where operands need them."""
    made: dict[object, fx.Node] = {}
    for change in plan.changes:
        for copy in change.copies:
            key = (copy.operand, copy.kept)
            if key not in made:
                made[key] = _copied(program, copy)
    for node in plan.stored:
        _resize(node, node, plan.remaining)
    for change in plan.changes:
        _resize(change.node, change.node, plan.remaining)
        _call(program, change.node, change.call)
        for copy in change.copies:
            change.node.replace_input_with(copy.operand, made[(copy.operand, copy.kept)])
    for node, kept in plan.made.items():
        users = list(node.users)
        small = _select(program, node, kept)
        for user in users:
            user.replace_input_with(node, small)


def _copied(program: Program, copy: Copy) -> fx.Node:
    """The narrowed copy, just behind its original."""
    made = {node: _select(program, node, kept) for node, kept in copy.selected}
    last = copy.operand
    for node, call in copy.calls:
        with program.graph.inserting_after(last):
            last = program.graph.node_copy(node, lambda each: each)
        _resize(last, node, copy.remaining)
        _call(program, last, call)
        for original, small in made.items():
            last.replace_input_with(original, small)
        made[node] = last
    return made[copy.operand]


def _call(program: Program, node: fx.Node, call: Call) -> None:
    def computed(argument: Any) -> Any:
        if not isinstance(argument, Times):
            return argument
        with program.graph.inserting_before(node):
            size = program.graph.call_function(operator.mul, (argument.node, argument.factor))
        size.meta["val"] = argument.node.meta["val"] * argument.factor
        return size

    node.target = call.target
    node.args = fx.node.map_aggregate(call.args, computed)
    node.kwargs = call.kwargs


def _select(program: Program, value: fx.Node, kept: Kept) -> fx.Node:
    """What stays of a value that is left as it is."""
    for dim, positions in enumerate(kept):
        if positions is not None:
            value = _pick(program, value, dim, positions)
    return value


def _pick(program: Program, value: fx.Node, dim: int, positions: Positions) -> fx.Node:
    """A node that picks `positions` of `value`, just behind it."""
    number = 0
    while hasattr(program.module, f"kept_{number}"):
        number += 1
    whole: Tensor = value.meta["val"]
    index = torch.tensor(positions, device=whole.device)
    program.module.register_buffer(f"kept_{number}", index)
    with program.graph.inserting_after(value):
        kept = program.graph.get_attr(f"kept_{number}")
    with program.graph.inserting_after(kept):
        found = program.graph.call_function(aten.index_select.default, (value, dim, kept))
    kept.meta["val"] = whole.new_empty((len(positions),), dtype=torch.int64)
    shape = [len(positions) if each == dim else size for each, size in enumerate(whole.shape)]
    found.meta = {**value.meta, "val": whole.new_empty(shape)}
    return found


def _resize(node: fx.Node, like: fx.Node, remaining: Remaining) -> None:
    """Give a value the shape of what stays of `like`."""
    value = like.meta.get("val")
    sizes = remaining.walk.sizes
    if isinstance(value, Tensor):
        node.meta["val"] = _resized(value, remaining.of(like), sizes.shape(like))
    elif isinstance(value, Sequence) and remaining.each(like):
        parts = zip(value, remaining.each(like), sizes.shapes(like), strict=True)
        node.meta["val"] = [_resized(*part) for part in parts]


def _resized(value: Tensor, kept: Kept, full: Sequence[int]) -> Tensor:
    """A tensor without storage, of the shape that stays; computed sizes stay computed."""
    if all(each is None for each in kept):
        return value
    shape = [
        size if stay is None else len(stay) if isinstance(size, int) else size * len(stay) // whole
        for size, stay, whole in zip(value.shape, kept, full, strict=True)
    ]
    return value.new_empty(shape)
