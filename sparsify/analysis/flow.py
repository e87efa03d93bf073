"""How values flow through a graph: who depends on whom, and what a node merely hands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, fx

from sparsify.analysis.operations import factors
from sparsify.program import Program, aten

UNREAD = {
    aten.zeros_like.default,
    aten.ones_like.default,
    aten.full_like.default,
    aten.empty_like.default,
    aten.rand_like.default,
    aten.new_zeros.default,
    aten.new_ones.default,
    aten.new_full.default,
    aten.new_empty.default,
}
"""Calls that look at the shape of their operand, not at its values."""

LIKE = {
    aten.type_as.default,
    aten.to.other,
    aten.expand_as.default,
    aten.view_as.default,
    aten.reshape_as.default,
}
"""Calls whose second operand gives a shape or a type only."""

MOVES = {
    aten.view.default,
    aten.reshape.default,
    aten.flatten.using_ints,
    aten.unflatten.int,
    aten.transpose.int,
    aten.permute.default,
    aten.t.default,
    aten.squeeze.dim,
    aten.squeeze.default,
    aten.unsqueeze.default,
    aten.contiguous.default,
}
"""Calls that only lay the same numbers out anew."""


def values(node: fx.Node) -> list[fx.Node]:
    """The operands that the numbers of `node` are computed from; sizes are none."""
    if node.target in UNREAD:
        return []
    operands = node.all_input_nodes[:1] if node.target in LIKE else node.all_input_nodes
    return [each for each in operands if not _is_size(each)]


def unmixed(node: fx.Node) -> list[fx.Node]:
    """The same, but none for a product: what `node` is without any product in between."""
    return [] if factors(node) else values(node)


def shape(node: fx.Node) -> tuple[str, ...]:
    """The sizes of a tensor as text, which compares symbols without deciding anything of them."""
    value = node.meta.get("val")
    return tuple(map(str, value.shape)) if isinstance(value, Tensor) else ()


def is_floating(node: fx.Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, Tensor) and value.is_floating_point()


def inputs_behind(node: fx.Node) -> Iterator[fx.Node]:
    """`node` and everything it is computed from, nearest first."""
    return walk([node], lambda each: each.all_input_nodes)


def walk(
    start: Iterable[fx.Node], step: Callable[[fx.Node], Iterable[fx.Node]]
) -> Iterator[fx.Node]:
    """`start` and all that `step` leads to, each once, nearest first."""
    seen: set[fx.Node] = set()
    queue = list(start)
    for node in queue:
        if node not in seen:
            seen.add(node)
            yield node
            queue.extend(step(node))


class Flow:
    """Which node of a graph depends on the values of which, found once and asked often."""

    def __init__(self, program: Program) -> None:
        self._place: dict[fx.Node, int] = {}
        self._behind: dict[fx.Node, int] = {}
        inputs = 0
        now: dict[fx.Node, int] = {}  # as `_behind`, but with what was written in place since
        for place, node in enumerate(program.graph.nodes):
            self._place[node] = place
            behind = 1 << place
            for operand in values(node):
                behind |= now[operand]
            self._behind[node] = now[node] = behind
            for written in _written_into(node):
                now[written] |= behind
            if node.op == "placeholder":
                inputs |= behind
        self._inputs = inputs

    def depends(self, node: fx.Node, on: fx.Node) -> bool:
        """Whether `on` is `node`, or one of the values that it is computed from."""
        return bool(self._behind[node] >> self._place[on] & 1)

    def is_constant(self, node: fx.Node) -> bool:
        """Whether the value is the same for every input."""
        return not self._behind[node] & self._inputs

    def before(self, node: fx.Node) -> int:
        """Where `node` stands in the graph."""
        return self._place[node]

    def handed_on(self, node: fx.Node) -> fx.Node | None:
        """The operand whose elements `node` hands on, moved or changed one by one, if it is one."""
        if node.op not in ("call_function", "call_module") or factors(node):
            return None
        operands = [n for n in values(node) if is_floating(n) and not self.is_constant(n)]
        if node.target in MOVES:
            return operands[0] if operands else None
        alike = [operand for operand in operands if shape(operand) == shape(node)]
        return alike[0] if len(alike) == 1 else None


def _written_into(node: fx.Node) -> Iterator[fx.Node]:
    """What an operation in place changes: its operand, and all that the operand is a view of."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.is_mutable:
        return
    written: Any = node.args[0]
    while isinstance(written, fx.Node):
        yield written
        returns = getattr(getattr(written.target, "_schema", None), "returns", ())
        if not returns or returns[0].alias_info is None:
            return
        written = written.args[0]


def _is_size(node: fx.Node) -> bool:
    value: Any = node.meta.get("val")
    return isinstance(value, int | float | torch.SymInt | torch.SymFloat | torch.SymBool)
