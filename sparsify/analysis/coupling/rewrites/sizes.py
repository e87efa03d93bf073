"""Calls that name the sizes of their result."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx

from sparsify.analysis.coupling.kept import Kept, Remaining, dimension, refusal
from sparsify.analysis.coupling.rewrites.calls import Call, Times, as_it_is, replaced, rewrite
from sparsify.program import aten


@rewrite(
    aten.view.default,
    aten.reshape.default,
    aten._unsafe_view.default,
    aten.expand.default,
    aten.new_zeros.default,
    aten.new_ones.default,
    aten.new_full.default,
    aten.new_empty.default,
)
def _sizes(node: fx.Node, remaining: Remaining) -> Call:
    sizes = node.args[1]
    assert isinstance(sizes, Sequence)
    return replaced(node, 1, _literals(node, sizes, remaining.of(node), remaining))


@rewrite(
    aten.zeros.default,
    aten.ones.default,
    aten.full.default,
    aten.empty.memory_format,
    aten.rand.default,
    aten.randn.default,
)
def _created(node: fx.Node, remaining: Remaining) -> Call:
    sizes = node.args[0]
    assert isinstance(sizes, Sequence)
    return replaced(node, 0, _literals(node, sizes, remaining.of(node), remaining))


def _literals(node: fx.Node, sizes: Sequence[Any], kept: Kept, remaining: Remaining) -> list[Any]:
    """Sizes for what stays."""
    full = [each.meta["val"] if isinstance(each, fx.Node) else each for each in sizes]
    found = list(sizes)
    for dim, positions in enumerate(kept):
        if positions is None or found[dim] == -1:
            continue
        if isinstance(found[dim], int):
            found[dim] = len(positions)
        else:
            size = remaining.walk.sizes.size(full[dim])
            found[dim] = _scaled(node, found[dim], len(positions), size)
    return found


def _scaled(node: fx.Node, size: fx.Node, kept: int, full: int) -> Times:
    """A computed size, such as batch times heads, for the heads that stay."""
    base = _base(size)
    if base is None or base.factor * kept % full:
        raise refusal(node, "it computes the size of a dimension that holds channels")
    return Times(base.node, base.factor * kept // full)


def _base(size: fx.Node) -> Times | None:
    """A computed size as a literal times one that the graph computes before it."""
    factor, rest = size.meta["val"].node.expr.as_coeff_Mul()
    for each in size.graph.nodes:
        if each is size:
            break
        value = each.meta.get("val")
        if isinstance(value, torch.SymInt) and value.node.expr == rest:
            return Times(each, int(factor))
    return None


@rewrite(aten.unflatten.int)
def _unflatten(node: fx.Node, remaining: Remaining) -> Call:
    dim, sizes = node.args[1:3]
    assert isinstance(dim, int)
    assert isinstance(sizes, Sequence)
    kept = remaining.of(node)
    start = dim % (len(kept) - len(sizes) + 1)
    return replaced(node, 2, _literals(node, sizes, kept[start : start + len(sizes)], remaining))


@rewrite(aten.sym_size.int)
def _size(node: fx.Node, remaining: Remaining) -> Call:
    """A size that channels are part of stays what it was for all that is computed from it."""
    _, kept, _ = dimension(node, remaining)
    if kept is None:
        return as_it_is(node)
    base = _base(node)
    if base is None:
        raise refusal(node, "it asks for the size of a dimension that holds channels")
    return Call(operator.mul, (base.node, base.factor), {})
