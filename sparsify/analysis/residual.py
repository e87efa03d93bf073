"""Residual additions: where what was computed beside a stream is added to it."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass

from torch import fx

from sparsify.analysis.flow import Flow, is_floating, shape, unmixed, walk
from sparsify.program import Program, aten

ADDITIONS = {aten.add.Tensor, aten.add_.Tensor, operator.add}


@dataclass(frozen=True)
class Addition:
    """stream + delta, where delta is computed from an earlier state of the stream by products."""

    node: fx.Node
    stream: fx.Node
    """The operand that was handed on."""
    source: fx.Node
    """The state of the stream that the delta is computed from."""
    deltas: tuple[fx.Node, ...]
    """What is added; several where branches run side by side and are summed first."""


def additions(program: Program, flow: Flow) -> list[Addition]:
    """Every residual addition, in graph order."""
    found = (_addition(flow, node) for node in program.graph.nodes if _sums(flow, node))
    return [each for each in found if each is not None]


def handed_down(flow: Flow, node: fx.Node) -> Iterator[fx.Node]:
    """`node`, and what it is a moved, normed or scaled form of, nearest first."""
    current: fx.Node | None = node
    while current is not None:
        yield current
        current = flow.handed_on(current)


def _sums(flow: Flow, node: fx.Node) -> bool:
    """Whether the node adds two activations of the same shape."""
    if node.target not in ADDITIONS or len(node.all_input_nodes) != 2:
        return False
    first, second = node.all_input_nodes
    return shape(first) == shape(second) == shape(node) and all(
        is_floating(each) and not flow.is_constant(each) for each in (first, second)
    )


def _addition(flow: Flow, node: fx.Node) -> Addition | None:
    first, second = node.all_input_nodes
    for stream, delta in ((first, second), (second, first)):
        source = _source(flow, stream, delta)
        if source is not None:
            return Addition(node, stream, source, tuple(_terms(flow, delta)))
    return None


def _source(flow: Flow, stream: fx.Node, delta: fx.Node) -> fx.Node | None:
    """The nearest state behind `stream` that `delta` depends on, by way of products only."""
    direct = set(walk([delta], unmixed))

    def step(node: fx.Node) -> list[fx.Node]:
        if _sums(flow, node):
            return node.all_input_nodes
        handed = flow.handed_on(node)
        return [] if handed is None else [handed]

    for state in walk([stream], step):
        if state not in direct and flow.depends(delta, state):
            return state
    return None


def _terms(flow: Flow, delta: fx.Node) -> Iterator[fx.Node]:
    """The summands of a delta, outermost sums first."""
    for node in handed_down(flow, delta):
        if _sums(flow, node):
            for term in node.all_input_nodes:
                yield from _terms(flow, term)
            return
    yield delta
