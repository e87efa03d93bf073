"""The weight-bearing products of a program: which weight, how it is oriented, where it is used."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import fx

from sparsify.analysis.flow import walk
from sparsify.analysis.operations import BIASES, CONVOLUTIONS, attends, factors, sides, summed
from sparsify.analysis.views import PICKS, PREPARATION, Axes, through
from sparsify.program import Program, aten


@dataclass(frozen=True)
class Product:
    """One use of a weight in a linear, a matrix product, an einsum or a convolution."""

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
    operand: fx.Node
    """The weight as the product reads it, after its views; it may be `attribute`."""
    makes: tuple[int, ...]
    """The axes of the parameter along which the result's channels lie."""
    reads: tuple[int, ...]
    """The axes of the parameter along which the activation's channels are read."""
    summed: int
    """How many numbers of the weight go into one number of the result."""
    bias: str
    """The parameter that is added to the result, or empty."""


def products(program: Program) -> list[Product]:
    """Every use of a parameter as the weight of a product, in graph order."""
    known = set(program.parameters())
    found = (_product(program, node, known) for node in program.graph.nodes if not attends(node))
    return [use for use in found if use is not None]


def is_convolution(product: Product) -> bool:
    """Whether the weight is spread over more than one place of its input."""
    kernel = product.operand.meta["val"].shape[2:]
    return product.node.target in CONVOLUTIONS and math.prod(kernel) > 1


def is_tokenwise(program: Program, product: Product) -> bool:
    """Whether the product is computed more than once for each example: at every token or patch."""
    batches = {
        str(node.meta["val"].shape[0])
        for node in program.graph.find_nodes(op="placeholder")
        if program.dynamic.get(str(node.target), {}).get(0, "batch") != "sequence"
        and node.meta["val"].ndim
    }
    shape = product.node.meta["val"].shape
    places = (
        (shape[0], *shape[2:])
        if product.node.target in CONVOLUTIONS
        else (product.activation.meta["val"].shape[:-1])
    )
    return str(math.prod(places)) not in batches


def feeds_another(product: Product, others: set[fx.Node]) -> bool:
    """Whether the result meets a further product before the program's end."""
    return any(node in others for node in walk(product.node.users, lambda node: node.users))


def _product(program: Program, node: fx.Node, known: set[fx.Node]) -> Product | None:
    multiplied = factors(node)
    for place in range(len(multiplied) - 1, -1, -1):
        source = _parameter_behind(program, multiplied[place], node, known)
        if source is None or len(multiplied) < 2 or _is_first_of_linear(node, place):
            continue
        attribute, reader, axes = source
        made, read = sides(node, place)
        size = multiplied[place].meta["val"].shape
        return Product(
            weight=str(attribute.target),
            node=node,
            attribute=attribute,
            reader=reader,
            activation=multiplied[place - 1 if place else 1],
            operand=multiplied[place],
            makes=_along(axes, made),
            reads=_along(axes, read),
            summed=math.prod(int(size[axis]) for axis in summed(node, place)),
            bias=_bias(node, known),
        )
    return None


def _is_first_of_linear(node: fx.Node, place: int) -> bool:
    """A linear and a convolution have their weight second, whatever stands first."""
    return place == 0 and (node.target is aten.linear.default or node.target in CONVOLUTIONS)


def _along(axes: Axes, chosen: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(frozenset().union(*(axes[axis] for axis in chosen))))


def _bias(node: fx.Node, known: set[fx.Node]) -> str:
    """The parameter among the arguments of `node`, or of an addition of its own, that is a bias."""
    place = BIASES.get(node.target, len(node.args))
    added = node.args[place] if place < len(node.args) else node.kwargs.get("bias")
    if added is None and len(node.users) == 1:
        (user,) = node.users
        if user.target is aten.add.Tensor:
            added = next((each for each in user.all_input_nodes if each is not node), None)
    while isinstance(added, fx.Node) and added.target in PREPARATION:
        added = added.args[0]
    return str(added.target) if isinstance(added, fx.Node) and added in known else ""


def _parameter_behind(
    program: Program, operand: fx.Node, product: fx.Node, known: set[fx.Node]
) -> tuple[fx.Node, fx.Node, Axes] | None:
    """The `get_attr` of the parameter whose numbers `operand` hands on, what reads it, the axes."""
    reader, node = product, operand
    views: list[fx.Node] = []
    while node.op != "get_attr":
        source = node.args[0] if node.args else None
        if not isinstance(source, fx.Node):
            return None
        if node.target in PREPARATION or _picks(node):
            reader = node
            views.append(node)
        elif source.op != "get_attr" or program.masked(source) is not node:
            return None
        node = source
    if node not in known or (rank := program.tensor(str(node.target)).ndim) < 2:
        return None
    axes: Axes = [frozenset({axis}) for axis in range(rank)]
    for view in reversed(views):
        axes = through(view, axes)
    return node, reader, axes


def _picks(node: fx.Node) -> bool:
    """Whether `node` takes whole matrices out of a stack, as of experts."""
    if node.target not in PICKS:
        return False
    stack, chosen = node.args[:2]
    first = chosen == 0 if node.target is aten.index_select.default else len(chosen) == 1  # type: ignore[arg-type]
    return bool(first) and isinstance(stack, fx.Node) and stack.meta["val"].ndim >= 3
