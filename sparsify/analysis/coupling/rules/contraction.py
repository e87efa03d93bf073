"""What any product does to ids: contracted positions are tied, the others handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from sparsify.analysis.coupling.ids import compact
from sparsify.analysis.coupling.labels import NONE, Labels, preferred, varies, varying
from sparsify.analysis.coupling.seen import Meeting
from sparsify.analysis.coupling.walk import Walk, named


@dataclass(frozen=True)
class Side:
    """One operand: its node, its labels, and a letter for each of its dimensions."""

    node: object
    labels: Labels
    letters: str


@dataclass(frozen=True)
class Contraction:
    """A product of two operands; letters that `out` lacks are contracted."""

    walk: Walk
    node: fx.Node
    left: Side
    right: Side
    out: str

    @property
    def space(self) -> str:
        """The letters of the result, then the contracted ones."""
        inner = [c for c in self.left.letters + self.right.letters if c not in self.out]
        return self.out + "".join(dict.fromkeys(inner))

    @property
    def inner(self) -> range:
        """The contracted dimensions of `space`."""
        return range(len(self.out), len(self.space))

    def placed(self, side: Side) -> list[Tensor]:
        """The ids of an operand, laid out in `space`."""
        order = [side.letters.index(c) for c in self.space if c in side.letters]
        where = tuple(slice(None) if c in side.letters else None for c in self.space)
        return [compact(layer.permute(order)[where]) for layer in side.labels.layers]

    def is_bound(self, layer: Tensor) -> bool:
        """Whether ids of `space` differ along what is contracted."""
        return any(varies(layer, dim) for dim in self.inner)

    def outer(self, layer: Tensor) -> Tensor:
        """The ids at position 0 of what is contracted, still in `space`."""
        for dim in self.inner:
            layer = layer.narrow(dim, 0, 1)
        return layer

    def result(self, layer: Tensor, shape: Sequence[int]) -> Tensor:
        return layer.reshape(layer.shape[: len(self.out)]).expand(*shape)


def contract(
    walk: Walk, node: fx.Node, left: Side, right: Side, out: str, shape: Sequence[int]
) -> Labels:
    """The labels of a product, whose result has `shape`."""
    product = Contraction(walk, node, left, right, out)
    if left.labels.stored and right.labels.stored:
        return _of_weights(product, shape)
    if right.labels.stored or left.labels.stored:
        if left.labels.stored:
            product = Contraction(walk, node, right, left, out)
        found = _weighed(product)
    else:
        found = _met(product)
    return NONE if found is None else Labels((product.result(product.outer(found), shape),))


def _met(product: Contraction) -> Tensor | None:
    """Two computed values: what is contracted with another's channels is one with them."""
    walk = product.walk
    layers = [product.placed(side) for side in (product.left, product.right)]
    if not all(layers):
        for found, other in zip(layers, (product.right, product.left), strict=True):
            if found:
                return _handed_on(product, found[0], other)
        return None
    (left,), (right,) = layers
    if product.is_bound(left) and product.is_bound(right):
        walk.seen.meetings.append(Meeting(left, right))
    outer = [product.outer(each) for each in (left, right)]
    for each, first in zip((left, right), outer, strict=True):
        walk.ids.join(each, first)
    walk.ids.join(*outer)
    # the finer ids: those of values tell channels apart that the scores of a head do not
    coarse, fine = sorted(outer, key=lambda layer: len(varying(layer)))
    return preferred(fine, coarse)


def _handed_on(product: Contraction, layer: Tensor, other: Side) -> Tensor:
    """One operand has channels: they pass if they are not what is contracted."""
    walk = product.walk
    if product.is_bound(layer):
        for each in torch.unique(layer).split(1):
            walk.ids.freeze(each, f"is mixed with the others by {named(product.node)}")
        return torch.zeros_like(product.outer(layer))
    _align(product, other, layer)
    return product.outer(layer)


def _align(product: Contraction, other: Side, layer: Tensor) -> None:
    """An operand without ids shares dimensions with one that has them: it is narrowed as that."""
    if isinstance(other.node, fx.Node) and not other.labels.layers:
        places = [product.space.index(letter) for letter in other.letters]
        full = product.walk.sizes.shape(other.node)
        rest = [dim for dim in range(layer.ndim) if dim not in places]
        for dim in rest:
            layer = layer.narrow(dim, 0, 1)
        base = layer.permute(*places, *rest).reshape([layer.shape[dim] for dim in places])
        product.walk.align(product.node, other.node, base.expand(full))


def _weighed(product: Contraction) -> Tensor | None:
    """A computed value times a weight, which reads some channels and makes others."""
    walk, seen = product.walk, product.walk.seen
    weights = product.placed(product.right)
    bound = [layer for layer in weights if product.is_bound(layer)]
    free = [layer for layer in weights if not product.is_bound(layer)]
    values = product.placed(product.left)
    if values and not product.is_bound(values[0]):
        for layer in weights:
            walk.ids.freeze(layer, f"is used along tokens by {named(product.node)}")
        return product.outer(values[0])
    if values:
        _read(product, values[0], bound)
    else:
        for layer in bound:
            walk.ids.freeze(layer, "reads what has no channels to remove")
    seen.read += bound
    seen.made += free
    seen.weighed += free
    if isinstance(product.left.node, fx.Node) and walk.is_tokenwise(product.left.node):
        seen.tokenwise += free
    return _made(product, free, values)


def _read(product: Contraction, values: Tensor, bound: Sequence[Tensor]) -> None:
    """The axes of a weight along which it reads channels are those channels."""
    walk = product.walk
    if not bound:
        walk.ids.freeze(values, f"is mixed with the others by {named(product.node)}")
    shared = [dim for dim in varying(values) if product.space[dim] in product.right.letters]
    for layer in bound:
        if len(bound) == 1 and len(shared) <= 1:
            walk.ids.join(layer, values)
        else:
            # each axis alone must be whole channels, as the heads of an output weight [head, size]
            walk.ids.follow(layer, values)


def _made(product: Contraction, free: Sequence[Tensor], values: Sequence[Tensor]) -> Tensor | None:
    """The channels that a weight gives out; several axes make a grid of them."""
    ids = product.walk.ids
    # heads that the value and the weight share stay apart: each result belongs to one of them
    apart = [
        each
        for each in map(product.outer, values)
        if any(product.space[dim] in product.right.letters for dim in varying(each))
    ]
    if len(free) + len(apart) <= 1 and not apart:
        return free[0] if free else None
    together = sum(map(product.outer, [*free, *apart]), torch.zeros((), dtype=torch.int64))
    grid = ids.fresh(together.numel()).view(together.shape)
    for layer in free:
        ids.follow(product.outer(layer), grid)
    for each in apart:
        whole = ids.derived(each.numel()).view(each.shape)
        ids.follow(whole, values[0])
        ids.join(grid, whole)
    return grid


def _of_weights(product: Contraction, shape: Sequence[int]) -> Labels:
    """A weight that is itself a product of two."""
    ids = product.walk.ids
    left, right = product.placed(product.left), product.placed(product.right)
    bound = [layer for layer in (*left, *right) if product.is_bound(layer)]
    for layer in bound[1:]:
        ids.join(bound[0], layer)
    product.walk.seen.read += bound
    free = [layer for layer in (*left, *right) if not product.is_bound(layer)]
    product.walk.seen.made += free
    layers = tuple(product.result(product.outer(layer), shape) for layer in free)
    return Labels(layers, stored=True) if layers else NONE
