"""Operations that hand on the numbers at other positions: ids move as the numbers do."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, cat, fx

from sparsify.analysis.coupling.labels import NONE, Labels, first_row, preferred, varies
from sparsify.analysis.coupling.rules.pointwise import accompany
from sparsify.analysis.coupling.walk import Several, Walk, rule
from sparsify.program import aten


@rule(
    aten.view.default,
    aten.reshape.default,
    aten._unsafe_view.default,
    aten.view_as.default,
    aten.flatten.using_ints,
    aten.unflatten.int,
    aten.unsqueeze.default,
    aten.squeeze.default,
    aten.squeeze.dim,
    aten.squeeze.dims,
)
def reshape(walk: Walk, node: fx.Node) -> Labels:
    shape = walk.sizes.shape(node)
    return walk.of(node.args[0]).each(lambda layer: layer.reshape(shape))


@rule(aten.expand.default, aten.expand_as.default)
def expand(walk: Walk, node: fx.Node) -> Labels:
    shape = walk.sizes.shape(node)
    return walk.of(node.args[0]).each(lambda layer: layer.expand(shape))


@rule(
    aten.t.default,
    aten.numpy_T.default,
    aten.transpose.int,
    aten.swapaxes.default,
    aten.permute.default,
    aten.movedim.int,
    aten.movedim.intlist,
    aten.slice.Tensor,
    aten.narrow.default,
    aten.select.int,
    aten.split.Tensor,
    aten.split_with_sizes.default,
    aten.chunk.default,
    aten.unbind.int,
    aten.unfold.default,
    aten.roll.default,
    aten.flip.default,
    aten.repeat.default,
    aten.repeat_interleave.self_int,
    aten.diagonal.default,
)
def move(walk: Walk, node: fx.Node) -> Several:
    """What is done to the numbers is done to their ids."""
    labels = walk.of(node.args[0])
    args, kwargs = walk.sizes.arguments((node.args[1:], node.kwargs))
    target: Any = node.target
    moved = [target(layer, *args, **kwargs) for layer in labels.layers]
    if isinstance(moved[0], Tensor):
        return Labels(tuple(moved), labels.stored)
    return [Labels(layers, labels.stored) for layers in zip(*moved, strict=True)]


@rule(operator.getitem)
def pick(walk: Walk, node: fx.Node) -> Labels:
    sequence, index = node.args
    assert isinstance(sequence, fx.Node)
    found = walk.labels[sequence]
    return found[int(index)] if isinstance(found, list) else NONE  # type: ignore[arg-type]


@rule(aten.pad.default, aten.constant_pad_nd.default)
def pad(walk: Walk, node: fx.Node) -> Labels:
    """New places between channels hold none; new tokens hold the channels of the others."""
    widths: list[int] = walk.sizes.arguments(node.args[1])
    shape = walk.sizes.shape(node)

    def padded(layer: Tensor) -> Tensor:
        for number in range(len(widths) // 2):
            dim = layer.ndim - 1 - number
            before, after = widths[2 * number : 2 * number + 2]
            if varies(layer, dim):
                layer = F.pad(layer, (0, 0) * number + (before, after))
            elif before or after:
                layer = first_row(layer, dim, shape[dim])
        return layer

    return walk.of(node.args[0]).each(padded)


@rule(aten.cat.default, aten.stack.default)
def concatenate(walk: Walk, node: fx.Node) -> Labels:
    """Along channels they lie side by side; along tokens they are the same channels."""
    assert isinstance(node.args[0], Sequence)
    # torch takes an empty vector, as of a cache that holds nothing yet, for nothing of any rank
    operands = [each for each in node.args[0] if walk.sizes.shape(each) != (0,)]  # type: ignore[arg-type]
    shape = walk.sizes.shape(node)
    dim = walk.sizes.arguments(node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0))
    dim %= len(shape)
    stacked = node.target is aten.stack.default
    parts = [walk.of(each) for each in operands]
    parts = [p.each(lambda layer: layer.unsqueeze(dim)) if stacked else p for p in parts]
    sizes = [1 if stacked else walk.sizes.shape(each)[dim] for each in operands]  # type: ignore[arg-type]
    if all(part.stored or not part.layers for part in parts):
        return _stored(walk, parts, sizes, dim, shape)
    computed = [part.layers[0] for part in parts if part.layers and not part.stored]
    across = not stacked and any(varies(layer, dim) for layer in computed)
    if across:
        return Labels(
            (cat([_row(walk, p, s, dim, shape) for p, s in zip(parts, sizes, strict=True)], dim),)
        )
    base = computed[0].narrow(dim, 0, 1)
    for layer in computed[1:]:
        walk.ids.join(base, layer.narrow(dim, 0, 1))
        base = preferred(base, layer.narrow(dim, 0, 1))
    for part, operand in zip(parts, operands, strict=True):
        for layer in part.layers if part.stored else ():
            accompany(walk, layer, base.expand(layer.shape))
        if not stacked:
            walk.align(node, operand, base)
    return Labels((base.expand(shape),))


def _row(walk: Walk, part: Labels, size: int, dim: int, shape: Sequence[int]) -> Tensor:
    """One part of a concatenation along channels; a stored one gives its ids on that dimension."""
    target = [size if each == dim else full for each, full in enumerate(shape)]
    if part.layers and not part.stored:
        return part.layers[0]
    for layer in part.layers:
        if varies(layer, dim):
            return layer
        walk.ids.freeze(layer, "is laid beside computed channels")
    return _zeros(target)


def _stored(
    walk: Walk, parts: Sequence[Labels], sizes: Sequence[int], dim: int, shape: Sequence[int]
) -> Labels:
    """Stored values side by side; their other axes are one."""
    beside: list[Tensor] = []
    others: dict[tuple[bool, ...], Tensor] = {}
    for part, size in zip(parts, sizes, strict=True):
        target = [size if each == dim else full for each, full in enumerate(shape)]
        row = _zeros(target)
        for layer in part.layers:
            if varies(layer, dim):
                row = layer
                continue
            whole = first_row(layer, dim, shape[dim])
            first = others.setdefault(tuple(varies(whole, d) for d in range(whole.ndim)), whole)
            walk.ids.join(first, whole)
        beside.append(row)
    layers = [*others.values()]
    if any(bool(row.any()) for row in beside):
        layers.append(cat(beside, dim))
    return Labels(tuple(layers), stored=True) if layers else NONE


def _zeros(shape: Sequence[int]) -> Tensor:
    from torch import int64, zeros

    return zeros([1], dtype=int64).expand(*shape)
