"""What a program costs: parameters, zeros, bytes, and multiply-accumulates at given sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from sparsify.analysis.branches import Anatomy
from sparsify.analysis.flow import values
from sparsify.analysis.operations import attends, factors, summed
from sparsify.program import MASK, Program
from sparsify.report import Cost
from sparsify.zeros import nonzero_count


@dataclass(frozen=True)
class NodeCost:
    """What one call costs. The symbols of its expressions are the names of dynamic dimensions."""

    node: fx.Node
    weight: str
    """The parameter that a product multiplies by, or empty."""
    parameters: int
    """How many learned numbers the call reads."""
    macs: sympy.Expr
    """Multiply-accumulates; 0 for all that is no product."""
    size_bytes: sympy.Expr
    """What is read and written: operands and results, each once."""


def per_node(program: Program) -> list[NodeCost]:
    """The cost of every call that returns a tensor, in graph order.

    `cost.macs.subs({"batch": 8, "sequence": 128})` is a number, where these are the dimensions.
    """
    shapes = _Shapes(program)
    learned: dict[str, set[fx.Node]] = {}
    for each in program.parameters():
        learned.setdefault(str(each.target), set()).add(each)
    found = []
    for node, weight, macs in _products(program, shapes):
        operands = values(node)
        read = {each for each in operands if each in learned.get(str(each.target), ())}
        read |= learned.get(weight, set())
        found.append(
            NodeCost(
                node,
                weight,
                sum(program.tensor(str(each.target)).numel() for each in read),
                macs,
                sum((shapes.size_bytes(each) for each in (node, *operands)), sympy.Integer(0)),
            )
        )
    return found


def cost(
    program: Program,
    *,
    batch: int = 1,
    sequence: int = 128,
    calls: Iterable[NodeCost] | None = None,
) -> Cost:
    """The cost of one forward pass over `batch` examples of `sequence` tokens.

    Multiply-accumulates are those of weight products and of attention; zeros of weights and of
    masks need none. Bytes are those of the parameters, stored dense. Dimensions of other names
    are as in the example inputs. `calls` is `per_node(program)`, where that is known already.
    """
    if calls is None:
        macs = macs_per_weight(program, batch=batch, sequence=sequence)
    else:
        told = ((call.weight, call.macs) for call in calls)
        macs = _summed(told, _sizes(program, batch, sequence))
    masked = program.masks().keys()
    kept = {name: _kept(program, name, name in masked) for name in macs if name}
    numbers = {name: program.tensor(name).numel() for name in kept}
    parameters = list(program.module.parameters())
    return Cost(
        batch=batch,
        sequence=sequence,
        parameters=program.parameter_count(),
        zeros=sum(numbers[name] - count for name, count in kept.items()),
        dense_macs=sum(macs.values()),
        macs=sum(
            count * kept[name] // numbers[name] if name else count for name, count in macs.items()
        ),
        size_bytes=sum(p.numel() * p.element_size() for p in parameters),
    )


def macs_per_weight(program: Program, *, batch: int = 1, sequence: int = 128) -> dict[str, int]:
    """Weight -> the multiply-accumulates of its products; those of attention are under ``.

    Sizes are as for `cost`.
    """
    told = ((weight, macs) for _, weight, macs in _products(program, _Shapes(program)))
    return _summed(told, _sizes(program, batch, sequence))


def _summed(calls: Iterable[tuple[str, sympy.Expr]], sizes: Mapping[str, int]) -> dict[str, int]:
    """The numbers of all calls with one weight together."""
    found: dict[str, int] = {}
    for weight, macs in calls:
        if macs:
            found[weight] = found.get(weight, 0) + _number(macs, sizes)
    return found


def _kept(program: Program, name: str, masked: bool) -> int:
    """How many numbers of a weight take part in products."""
    weight = program.tensor(name)
    if weight.is_meta:
        return weight.numel()
    if masked:
        weight = weight * program.tensor(name + MASK)
    return nonzero_count(weight)


def _products(program: Program, shapes: _Shapes) -> Iterator[tuple[fx.Node, str, sympy.Expr]]:
    """Every call that returns a tensor, with the weight that it multiplies by, and its products."""
    anatomy = program.remember(Anatomy)
    for node in program.graph.nodes:
        if node.op in ("call_function", "call_module") and shapes.tensors(node):
            use = anatomy.products.get(node)
            yield node, use.weight if use is not None else "", _macs(node, shapes)


def _macs(node: fx.Node, shapes: _Shapes) -> sympy.Expr:
    """For every number of the result, as many as there are terms in its sum."""
    if attends(node):
        query, key, value = (shapes.of(each) for each in factors(node))
        return sympy.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    if len(factors(node)) < 2:
        return sympy.Integer(0)
    second = shapes.of(factors(node)[1])
    return sympy.prod([*shapes.of(node), *(second[axis] for axis in summed(node, 1))])


class _Shapes:
    """Shapes in symbols that are named as the dimensions of the program's inputs."""

    def __init__(self, program: Program) -> None:
        self._known: dict[Any, sympy.Expr] = {}
        for node in program.graph.find_nodes(op="placeholder"):
            for dim, name in program.dynamic.get(str(node.target), {}).items():
                size = node.meta["val"].shape[dim]
                if isinstance(size, torch.SymInt):
                    self._known.setdefault(size.node.expr, sympy.Symbol(name))
        self._named = dict(self._known)

    def of(self, node: fx.Node) -> list[sympy.Expr]:
        return [self._size(size) for size in node.meta["val"].shape]

    def tensors(self, node: fx.Node) -> list[Tensor]:
        """What the node returns: one tensor, several, or none."""
        leaves = pytree.tree_leaves(node.meta.get("val"))
        return [leaf for leaf in leaves if isinstance(leaf, Tensor)]

    def size_bytes(self, node: fx.Node) -> sympy.Expr:
        total = sympy.Integer(0)
        for value in self.tensors(node):
            total += sympy.prod(map(self._size, value.shape)) * value.element_size()
        return total

    def _size(self, size: int | torch.SymInt) -> sympy.Expr:
        if not isinstance(size, torch.SymInt):
            return sympy.Integer(size)
        expression = size.node.expr
        if expression not in self._known:
            self._known[expression] = expression.subs(self._named)
        return self._known[expression]


def _sizes(program: Program, batch: int, sequence: int) -> dict[str, int]:
    """Name of a dynamic dimension -> its size."""
    captured = {
        name: int(program.inputs[given].shape[dim])
        for given, dims in program.dynamic.items()
        for dim, name in dims.items()
    }
    return {**captured, "batch": batch, "sequence": sequence}


def _number(macs: sympy.Expr, sizes: Mapping[str, int]) -> int:
    """The expression at these sizes; a size that depends on values of tensors counts as one."""
    found = macs.subs({each: sizes.get(str(each), 1) for each in macs.free_symbols})
    return int(found)
