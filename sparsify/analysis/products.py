"""The weight-bearing products of a program: which weight, how it is oriented, where it is used."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, fx, nn

from sparsify.program import Program, aten

PREPARATION = {
    aten.t.default,
    aten.transpose.int,
    aten.permute.default,
    aten.view.default,
    aten.reshape.default,
    aten.to.dtype,
    aten.to.dtype_layout,
    aten.contiguous.default,
    aten.detach.default,
    aten.alias.default,
    aten.clone.default,
    aten.unsqueeze.default,
    aten.squeeze.dim,
    aten.slice.Tensor,
    aten.split.Tensor,
    aten.split_with_sizes.default,
    aten.chunk.default,
    aten.select.int,
    operator.getitem,
}
"""Calls that hand on the numbers of a weight without mixing them."""

OPERANDS: dict[object, tuple[tuple[int, int], ...]] = {
    aten.linear.default: ((0, 1),),
    aten.mm.default: ((0, 1), (1, 0)),
    aten.matmul.default: ((0, 1), (1, 0)),
    aten.bmm.default: ((0, 1), (1, 0)),
    aten.addmm.default: ((1, 2), (2, 1)),
    aten.baddbmm.default: ((1, 2), (2, 1)),
    aten.conv1d.default: ((0, 1),),
    aten.conv2d.default: ((0, 1),),
}
"""Product -> where its (activation, weight) may stand among its arguments."""


@dataclass(frozen=True)
class Product:
    """One use of a weight in a linear, a matrix product or a convolution."""

    weight: str
    """The parameter's name."""
    node: fx.Node
    """The product."""
    attribute: fx.Node
    """The `get_attr` node of the weight."""
    reader: fx.Node
    """What reads the weight, or its mask's product, on the way to `node`; it may be `node`."""
    activation: fx.Node
    """The other operand."""


def products(program: Program) -> list[Product]:
    """Every use of a parameter as the weight of a product, in graph order."""
    found = []
    for node in program.graph.nodes:
        for activation, weight in OPERANDS.get(node.target, ()):
            operand, other = node.args[weight], node.args[activation]
            if isinstance(operand, fx.Node) and isinstance(other, fx.Node):
                source = _parameter_behind(program, operand, node)
                if source is not None:
                    attribute, reader = source
                    found.append(Product(str(attribute.target), node, attribute, reader, other))
                    break
    return found


def is_tokenwise(program: Program, product: Product) -> bool:
    """Whether the product is computed more than once for each example: at every token or patch."""
    batches = [
        node.meta["val"].shape[dim]
        for node in program.graph.find_nodes(op="placeholder")
        for dim, name in program.dynamic.get(str(node.target), {}).items()
        if name == "batch"
    ]
    shape = product.activation.meta["val"].shape
    rows = math.prod(shape[:-1])
    return not any(str(rows) == str(batch) for batch in batches)


def feeds_another(product: Product, others: set[fx.Node]) -> bool:
    """Whether the result meets a further product before the program's end."""
    seen: set[fx.Node] = set()
    queue = list(product.node.users)
    while queue:
        node = queue.pop()
        if node in others:
            return True
        if node not in seen:
            seen.add(node)
            queue.extend(node.users)
    return False


def inputs_behind(node: fx.Node) -> Iterator[fx.Node]:
    """`node` and everything it is computed from, nearest first."""
    seen: set[fx.Node] = set()
    queue = [node]
    while queue:
        current = queue.pop(0)
        if current not in seen:
            seen.add(current)
            yield current
            queue.extend(current.all_input_nodes)


def _parameter_behind(
    program: Program, operand: fx.Node, product: fx.Node
) -> tuple[fx.Node, fx.Node] | None:
    """The `get_attr` of the parameter whose numbers `operand` hands on, and what reads it."""
    reader, node = product, operand
    while node.op != "get_attr":
        source = node.args[0] if node.args else None
        if not isinstance(source, fx.Node):
            return None
        if node.target in PREPARATION:
            reader = node
        elif source.op != "get_attr" or program.masked(source) is not node:
            return None
        node = source
    tensor = operator.attrgetter(str(node.target))(program.module)
    is_weight = isinstance(tensor, nn.Parameter) and isinstance(tensor, Tensor) and tensor.ndim >= 2
    return (node, reader) if is_weight else None
