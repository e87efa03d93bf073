"""Values that are combined position by position."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from sparsify.analysis.coupling.ids import compact
from sparsify.analysis.coupling.labels import NONE, Labels, preferred, varying
from sparsify.analysis.coupling.sizes import Shape
from sparsify.analysis.coupling.walk import Walk, rule
from sparsify.analysis.flow import LIKE, unmixed
from sparsify.analysis.flow import walk as behind
from sparsify.program import aten

SUMS = {aten.add.Tensor, aten.add_.Tensor}

Operand = tuple[object, Labels]
"""The argument, and its labels."""


@rule(
    torch.Tag.pointwise,
    nn.Dropout,
    aten.to.dtype,
    aten.to.dtype_layout,
    aten.to.device,
    aten.to.other,
    aten._to_copy.default,
    aten.type_as.default,
    aten.contiguous.default,
    aten.detach.default,
    aten.detach_.default,
    aten.alias.default,
    aten.lift_fresh_copy.default,
    aten.copy.default,
    aten.copy_.default,
    aten.dropout.default,
    aten.zeros_like.default,
    aten.ones_like.default,
    aten.full_like.default,
    aten.empty_like.default,
    aten.rand_like.default,
    aten.randn_like.default,
    aten.tril.default,
    aten.triu.default,
    aten.hardswish.default,
    aten.masked_fill_.Scalar,
    aten.masked_fill_.Tensor,
    aten.where.ScalarOther,
    aten.where.ScalarSelf,
    aten.where.Scalar,
    aten.__and__.Tensor,
    aten.__or__.Tensor,
)
def combine(walk: Walk, node: fx.Node) -> Labels:
    """Every operation in which each position of the result depends on that position alone."""
    read = node.all_input_nodes[:1] if node.target in LIKE else node.all_input_nodes
    operands = [(each, walk.of(each)) for each in read]
    computed = [labels for _, labels in operands if labels.layers and not labels.stored]
    found = meet(walk, node, operands, walk.sizes.shape(node))
    if node.target in SUMS and len(computed) > 1 and _is_residual(walk, node):
        walk.seen.added.append(found.layers[0])
    return found


def _is_residual(walk: Walk, node: fx.Node) -> bool:
    """Whether a summand is computed from another by products, as where a branch joins its stream.

    A polynomial of one value, as inside of an activation, is none.
    """
    return any(
        walk.flow.depends(late, early) and early not in behind([late], unmixed)
        for late in node.all_input_nodes
        for early in node.all_input_nodes
    )


def meet(walk: Walk, node: fx.Node, operands: Sequence[Operand], shape: Shape) -> Labels:
    """The labels of values that are broadcast to `shape` and combined position by position."""
    computed = [each.layers[0] for _, each in operands if each.layers and not each.stored]
    stored = [each for _, each in operands if each.layers and each.stored]
    if not computed:
        return _merged(walk, stored, shape)
    computed.sort(key=lambda layer: len(_repeated(layer, shape)))
    base = computed[0].expand(shape)
    for other in computed[1:]:
        if _repeated(other, shape):
            walk.ids.follow(other, base)
        else:
            walk.ids.join(other, base)
        base = preferred(base, other).expand(shape)
    for layer in (layer for labels in stored for layer in labels.layers):
        accompany(walk, layer, base)
    for argument, _ in operands:
        walk.align(node, argument, base)
    return Labels((base,))


def accompany(walk: Walk, layer: Tensor, base: Tensor) -> None:
    """The ids of one axis of a stored value follow what they are combined with."""
    placed = layer.expand(base.shape)
    if set(varying(placed)) & set(varying(base)):
        walk.ids.follow(placed, base)
    else:
        # every id meets all of the base: asked once, not for every pair
        whole = walk.ids.derived(1)
        walk.ids.follow(whole, compact(base).reshape(-1))
        walk.ids.follow(compact(layer).reshape(-1), whole)


def _merged(walk: Walk, stored: Sequence[Labels], shape: Shape) -> Labels:
    """Stored values combined: axes that lie along the same dimensions are one."""
    found: dict[tuple[int, ...], Tensor] = {}
    for layer in (layer.expand(shape) for labels in stored for layer in labels.layers):
        first = found.setdefault(varying(layer), layer)
        if first is not layer:
            walk.ids.join(first, layer)
    return Labels(tuple(found.values()), stored=True) if found else NONE


def _repeated(layer: Tensor, shape: Shape) -> list[int]:
    """The dimensions, counted from the last, along which broadcasting repeats a value."""
    sizes = [*reversed(layer.shape)]
    return [
        dim
        for dim, size in enumerate(reversed(shape))
        if size > 1 and (dim >= len(sizes) or sizes[dim] == 1)
    ]
