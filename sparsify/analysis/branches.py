"""The residual branches of a program: what each computes, and with which parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import fx

from sparsify.analysis.attention import Attending, attentions, is_crossing
from sparsify.analysis.flow import Flow, unmixed, values, walk
from sparsify.analysis.products import Product, products
from sparsify.analysis.residual import Addition, additions
from sparsify.program import Program

Kind = Literal["attention", "cross-attention", "ffn", "other"]


@dataclass(frozen=True)
class Branch:
    """One residual branch: what is computed beside the stream and added to it."""

    kind: Kind
    input: fx.Node
    output: fx.Node
    """What is added to the residual stream."""
    parameters: tuple[str, ...]


class Anatomy:
    """The products, attentions and residual additions of one graph, and how they meet."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.flow = Flow(program)
        self.products = {use.node: use for use in products(program)}
        self.additions = additions(program, self.flow)
        self.attentions = attentions(program)
        self._sums = {addition.node for addition in self.additions}
        self._names = list(dict.fromkeys(str(node.target) for node in program.parameters()))

    def inward(self, node: fx.Node) -> list[fx.Node]:
        """The operands of `node`; none for a product and a residual addition."""
        return [] if node in self._sums else unmixed(node)

    def makers(self, node: fx.Node) -> list[Product]:
        """The weight products that `node` is made from, without a further product in between."""
        nodes = walk([node], self.inward)
        return [self.products[each] for each in nodes if each in self.products]

    def crosses(self, site: Attending) -> bool:
        """Whether the attention's keys come from another stream than its queries."""
        query, key = (
            next((use.activation for use in self.makers(each)), each)
            for each in (site.query, site.key)
        )
        return is_crossing(self.flow, query, key)

    def between(self, source: fx.Node, output: fx.Node) -> list[fx.Node]:
        """The nodes on the ways from `source` to `output`, in graph order, without `source`."""
        return [
            node
            for node in self.program.graph.nodes
            if node is not source
            and self.flow.before(source) < self.flow.before(node) <= self.flow.before(output)
            and self.flow.depends(node, source)
            and self.flow.depends(output, node)
        ]

    def branches(self, addition: Addition) -> tuple[Branch, ...]:
        """What runs beside the stream and is added to it there."""
        return tuple(self._branch(addition.source, delta) for delta in addition.deltas)

    def _branch(self, source: fx.Node, output: fx.Node) -> Branch:
        inside = self.between(source, output)
        return Branch(self._kind(inside, output), source, output, self._parameters(inside, source))

    def _kind(self, inside: Sequence[fx.Node], output: fx.Node) -> Kind:
        within = set(inside)
        sites = [site for site in self.attentions if site.result in within]
        nested = any(addition.node in within for addition in self.additions)
        if nested or len(sites) > 1:
            return "other"
        if sites:
            return "cross-attention" if self.crosses(sites[0]) else "attention"
        return "ffn" if any(self.downs(output, within)) else "other"

    def downs(self, output: fx.Node, within: set[fx.Node]) -> list[Product]:
        """The products whose result is added to the stream and that read other products."""
        return [
            use
            for use in self.makers(output)
            if any(up.node in within for up in self.makers(use.activation))
        ]

    def parameters(self, nodes: Sequence[fx.Node]) -> list[str]:
        """The parameters that `nodes` read, in graph order.

        A constant that is computed for other nodes too, as a table of positions for every layer,
        is no part of `nodes`; a weight is, however often it is shared.
        """
        reached = set(nodes)

        def step(node: fx.Node) -> list[fx.Node]:
            reached.add(node)
            return [
                each
                for each in values(node)
                if each.op == "get_attr"
                or (self.flow.is_constant(each) and reached.issuperset(each.users))
            ]

        read = {str(node.target) for node in walk(nodes, step) if node.op == "get_attr"}
        read |= {self.products[node].weight for node in nodes if node in self.products}
        return [name for name in self._names if name in read]

    def _parameters(self, inside: Sequence[fx.Node], source: fx.Node) -> tuple[str, ...]:
        """Those of the branch: beside its way also the products that bring other streams in."""
        within = set(inside)
        entering = [
            use.node
            for node in inside
            for operand in values(node)
            if operand not in within
            and operand is not source
            and not self.flow.is_constant(operand)
            for use in self.makers(operand)
        ]
        return tuple(self.parameters([*inside, *entering]))
