"""Values that are picked by index, and values that are made from literals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, fx

from sparsify.analysis.coupling.labels import NONE, Labels, first_row, varies
from sparsify.analysis.coupling.places import places
from sparsify.analysis.coupling.walk import CREATING, Walk, named, rule
from sparsify.program import aten


@rule(aten.embedding.default)
def embedding(walk: Walk, node: fx.Node) -> Labels:
    table = walk.of(node.args[0])
    shape = walk.sizes.shape(node)
    for layer in table.layers:
        if varies(layer, 1):
            walk.seen.made.append(layer[0])
            return Labels((layer[0].expand(shape),))
    return NONE


@rule(aten.index.Tensor, aten.index_select.default)
def index(walk: Walk, node: fx.Node) -> Labels:
    indices: Sequence[Any]
    if node.target is aten.index_select.default:
        dim = int(node.args[1]) % len(walk.sizes.shape(node))  # type: ignore[arg-type]
        indices = [None] * dim + [node.args[2]]
    else:
        indices = node.args[1]  # type: ignore[assignment]
    labels = walk.of(node.args[0])
    found = [_indexed(walk, node, layer, indices) for layer in labels.layers]
    layers = tuple(layer for layer in found if layer is not None)
    return Labels(layers, labels.stored) if layers else NONE


def _indexed(walk: Walk, node: fx.Node, layer: Tensor, indices: Sequence[Any]) -> Tensor | None:
    """The ids that indices pick; None, and the ids frozen, where the indices are not known."""
    dims = places(indices)
    if any(varies(layer, dim) for dim in dims):
        values = [None if each is None else walk.sizes.value(each) for each in indices]
        if any(value is None for each, value in zip(indices, values, strict=True) if each):
            walk.ids.freeze(layer, f"is picked by an index that varies, at {named(node)}")
            return None
        picked: Tensor = aten.index.Tensor(layer, values)
        return picked
    shape = walk.sizes.shape(node)
    for dim in reversed(dims):
        layer = layer.select(dim, 0)
    new = len(shape) - layer.ndim
    apart = dims != list(range(dims[0], dims[-1] + 1))
    place = 0 if apart else dims[0]
    return layer.reshape(*layer.shape[:place], *[1] * new, *layer.shape[place:]).expand(shape)


@rule(aten.gather.default)
def gather(walk: Walk, node: fx.Node) -> Labels:
    """Along its dimension a gather must pick among tokens, not among channels."""
    labels, dim = walk.of(node.args[0]), node.args[1]
    assert isinstance(dim, int)
    shape = walk.sizes.shape(node)
    dim %= len(shape)
    if any(varies(layer, dim) for layer in labels.layers):
        return walk.refuse(node, f"is picked by an index that varies, at {named(node)}")
    found = labels.each(lambda layer: first_row(layer, dim, shape[dim]))
    if any(layer.shape != shape for layer in found.layers):
        return walk.refuse(node, f"is picked by an index of another shape, at {named(node)}")
    for layer in found.layers:
        walk.align(node, node.args[2], layer)
    return found


def create(walk: Walk, node: fx.Node) -> Labels:
    """A dimension whose size is a literal of the model may hold channels."""
    sizes = node.meta["val"].shape
    return walk.source(node, walk.sizes.shape(node), [isinstance(size, int) for size in sizes])


CREATING.update(
    dict.fromkeys(
        (
            aten.arange.default,
            aten.arange.start,
            aten.arange.start_step,
            aten.zeros.default,
            aten.ones.default,
            aten.full.default,
            aten.empty.memory_format,
            aten.rand.default,
            aten.randn.default,
            aten.new_zeros.default,
            aten.new_ones.default,
            aten.new_full.default,
            aten.new_empty.default,
        ),
        create,
    )
)
