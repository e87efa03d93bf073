"""A program whose products read their inputs times factors, to take gradients of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, fx

from sparsify.analysis.products import Product
from sparsify.program import MASK, Program, aten
from sparsify.taps import tapped


class Scaled:
    """The logits of a program in which the inputs of some products have a factor per channel.

    Args:
        program: its tensors are shared, and it stays as it is.
        uses: products of rows of inputs; the factors are f[in] each, of the weight's type.
    """

    def __init__(self, program: Program, uses: Sequence[Product]) -> None:
        self.program, self.uses = program, uses
        self.names = [f"factor_{number}" for number in range(len(uses))]
        graph = fx.Graph()
        copies: dict[fx.Node, fx.Node] = {}
        graph.output(graph.graph_copy(program.graph, copies))
        for name, use in zip(self.names, uses, strict=True):
            product, given = copies[use.node], copies[use.activation]
            with graph.inserting_before(next(iter(graph.nodes))):
                factor = graph.placeholder(name)
            with graph.inserting_before(product):
                scaled = graph.call_function(aten.mul.Tensor, (given, factor))
            scaled.meta = dict(given.meta)
            product.replace_input_with(given, scaled)
        self._drop_ones(copies)
        shared = replace(program, module=fx.GraphModule(program.module, graph))
        self.module = tapped(shared, ["logits"]).eval()

    def _drop_ones(self, copies: Mapping[fx.Node, fx.Node]) -> None:
        """Leave masks of ones out: a backward pass would keep every product of weight and mask."""
        for weight in self.program.parameters():
            masked = self.program.masked(weight)
            if masked is not None and bool(
                (self.program.tensor(f"{weight.target}{MASK}") == 1).all()
            ):
                copies[masked].replace_all_uses_with(copies[weight])

    def ones(self) -> dict[str, Tensor]:
        """The factors by the names of the module's inputs, which ask for gradients."""
        found = {}
        for name, use in zip(self.names, self.uses, strict=True):
            weight = self.program.tensor(use.weight).detach()
            found[name] = weight.new_ones(weight.shape[use.reads[0]], requires_grad=True)
        return found

    def by_weight(self, of_factors: Sequence[Tensor]) -> dict[str, Tensor]:
        """Weight -> f[in]: the gradients of the factors of all its products together."""
        found: dict[str, Tensor] = {}
        for use, gradient in zip(self.uses, of_factors, strict=True):
            found[use.weight] = found.get(use.weight, 0) + gradient
        return found
