"""Where a program attends, in one operation or written out, found from softmax and products."""

from __future__ import annotations

from dataclasses import dataclass

from torch import fx

from sparsify.analysis.flow import Flow, is_floating, unmixed, values, walk
from sparsify.analysis.operations import SOFTMAXES, attends, factors
from sparsify.analysis.products import products
from sparsify.program import Program


@dataclass(frozen=True)
class Attending:
    """One place where values are weighted by the softmax of scores."""

    query: fx.Node
    key: fx.Node
    value: fx.Node
    result: fx.Node
    """The weighted values: the fused operation, or the product of probabilities and values."""
    extras: tuple[tuple[fx.Node, fx.Node], ...] = ()
    """The (query, key) of further products that are added to the scores, as of positions."""
    scores: fx.Node | None = None
    """What softmax is taken of; None in the fused operation."""
    probabilities: fx.Node | None = None


def attentions(program: Program) -> list[Attending]:
    """Every attention of the program, in graph order."""
    flow = Flow(program)
    weighted = {use.node for use in products(program)}
    found = []
    for node in program.graph.nodes:
        if attends(node):
            query, key, value = factors(node)
            found.append(Attending(query, key, value, node))
        elif node.target in SOFTMAXES:
            written = _written_out(flow, node, weighted)
            found += [written] if written is not None else []
    return found


def is_crossing(flow: Flow, query: fx.Node, key: fx.Node) -> bool:
    """Whether keys come from another stream than queries.

    Args:
        flow: of the graph.
        query: what the queries are made from: the activation of their product.
        key: what the keys are made from.
    """
    return not any(flow.depends(key, node) for node in _stream(flow, query))


def _stream(flow: Flow, node: fx.Node) -> list[fx.Node]:
    """`node` and all that it is a moved, normed or summed form of."""

    def step(each: fx.Node) -> list[fx.Node]:
        return [n for n in unmixed(each) if is_floating(n) and not flow.is_constant(n)]

    return list(walk([node], step))


def _written_out(flow: Flow, softmax: fx.Node, weighted: set[fx.Node]) -> Attending | None:
    """The attention around a softmax: products of activations on both sides of it."""
    scores = values(softmax)[0]
    before = [n for n in walk([scores], unmixed) if len(factors(n)) > 1 and n not in weighted]
    products_of_scores = sorted((n for n in before if not flow.is_constant(n)), key=flow.before)
    results = _meetings(softmax, weighted)
    if not products_of_scores or not results:
        return None
    result, probabilities = results[0]
    value = next(each for each in factors(result) if each is not probabilities)
    pairs = [factors(node)[:2] for node in products_of_scores]
    (query, key), *extras = pairs
    return Attending(query, key, value, result, tuple(extras), scores, softmax)  # type: ignore[arg-type]


def _meetings(softmax: fx.Node, weighted: set[fx.Node]) -> list[tuple[fx.Node, fx.Node]]:
    """The products that weight activations by the probabilities, each with that operand."""
    found = []

    def step(node: fx.Node) -> list[fx.Node]:
        onward = []
        for user in node.users:
            if not factors(user):
                onward.append(user)
            elif len(factors(user)) > 1 and user not in weighted:
                found.append((user, node))
        return onward

    list(walk([softmax], step))
    return found
