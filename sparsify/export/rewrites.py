"""Edits of a graph in front of the exporter: calls that it cannot translate, or that cost time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from sparsify.program import aten

AND = aten.__and__.Tensor
ATTENTION = aten.scaled_dot_product_attention.default
MOVES = {
    aten.unsqueeze.default,
    aten.expand.default,
    aten.slice.Tensor,
    aten.to.device,
    aten.to.dtype,
    aten.to.dtype_layout,
}
"""Calls that leave numbers as they are, apart from their type and how often they are there."""


def rewrite(module: fx.GraphModule) -> None:
    """Apply every rule to the graph of `module` and to the graphs inside it, in place."""
    for part in (m for m in module.modules() if isinstance(m, fx.GraphModule)):
        for node in list(part.graph.nodes):
            for rule in RULES:
                with part.graph.inserting_before(node):
                    made = rule(node)
                if made is not None:
                    node.replace_all_uses_with(made)
                    part.graph.erase_node(node)
                    break
        part.recompile()


def number_minus_tensor(node: fx.Node) -> fx.Node | None:
    """`number - x` becomes `-x + number`: the exporter knows no type where a number comes first."""
    if node.target is not aten.rsub.Scalar or len(node.args) > 2 or node.kwargs:
        return None
    value, number = node.args
    negative = node.graph.call_function(aten.neg.default, (value,))
    return node.graph.call_function(aten.add.Tensor, (negative, number))


def view_of_any_layout(node: fx.Node) -> fx.Node | None:
    """`view` becomes `reshape`: the exporter's attention lays its result out in another way."""
    if node.target is not aten.view.default:
        return None
    return node.graph.call_function(aten.reshape.default, node.args, node.kwargs)


def true_and_mask(node: fx.Node) -> fx.Node | None:
    """`positions >= 0 and mask` becomes `mask`, which is then seen to be every query's."""
    if node.target is not AND:
        return None
    for true, mask in (node.args, node.args[::-1]):
        shape, rank = _boolean(true), len(_boolean(mask))
        if 0 < len(shape) <= rank and _is_true(true):
            sizes: list[Any] = [-1] * (rank - len(shape))
            for place, size in enumerate(shape):
                known = isinstance(size, int) and size == 1
                read = aten.sym_size.int
                sizes.append(-1 if known else node.graph.call_function(read, (true, place)))
            return node.graph.call_function(aten.expand.default, (mask, sizes))
    return None


def attention_to_all(node: fx.Node) -> fx.Node | None:
    """Attention whose mask allows everything has none, as images write it."""
    if node.target is not ATTENTION:
        return None
    query, key, value, *rest = node.args
    options = dict(node.kwargs)
    mask = rest[0] if rest else options.pop("attn_mask", None)
    if not _boolean(mask) or not _is_true(mask):
        return None
    return node.graph.call_function(ATTENTION, (query, key, value, None, *rest[1:]), options)


def _boolean(node: object) -> list[object]:
    """The shape of a tensor of booleans; empty for anything else."""
    value = node.meta.get("val") if isinstance(node, fx.Node) else None
    return list(value.shape) if isinstance(value, Tensor) and value.dtype is torch.bool else []


def _is_true(node: object) -> bool:
    """Whether booleans are true everywhere, whatever the inputs."""
    match node:
        case fx.Node(target=aten.new_ones.default | aten.ones.default):
            return True
        case fx.Node(target=target, args=[source, *_]) if target in MOVES:
            return _is_true(source)
        case fx.Node(target=aten.__and__.Tensor, args=[left, right]):
            return _is_true(left) and _is_true(right)
        case fx.Node(target=aten.ge.Scalar, args=[source, 0]):
            return _counts_up(source)
    return False


def _counts_up(node: object) -> bool:
    """Whether a tensor holds positions, counted from zero."""
    match node:
        case fx.Node(target=aten.add.Tensor, args=[source, 0]):
            return _counts_up(source)
        case fx.Node(target=target, args=[source, *_]) if target in MOVES:
            return _counts_up(source)
    return isinstance(node, fx.Node) and node.target is aten.arange.default


RULES: tuple[Callable[[fx.Node], fx.Node | None], ...] = (
    number_minus_tensor,
    view_of_any_layout,
    true_and_mask,
    attention_to_all,
)
"""Each makes another way to compute a call, or says None where it has none."""
