"""Operations in which positions along a dimension depend on one another: sums, norms, softmax."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

from torch import Tensor, fx

from sparsify.analysis.coupling.ids import compact
from sparsify.analysis.coupling.labels import NONE, Labels, varies
from sparsify.analysis.coupling.rules.pointwise import meet
from sparsify.analysis.coupling.sizes import Shape
from sparsify.analysis.coupling.walk import Several, Walk, named, rule
from sparsify.program import aten


def mix(walk: Walk, layer: Tensor, dims: Sequence[int], reason: str) -> Tensor:
    """Ids, of size 1 along `dims`, that stand for a channel where all of `dims` is one channel.

    Channels that are mixed with others are frozen by `reason`.
    """
    small = compact(layer)
    shape = [1 if dim in dims else size for dim, size in enumerate(small.shape)]
    if not any(varies(layer, dim) for dim in dims):
        found = small
        for dim in dims:
            found = found.narrow(dim, 0, 1)
    else:
        found = walk.ids.derived(prod(shape), reason).view(shape)
        walk.ids.follow(found, small)
    return found.expand([1 if dim in dims else size for dim, size in enumerate(layer.shape)])


@rule(
    aten.sum.default,
    aten.sum.dim_IntList,
    aten.mean.default,
    aten.mean.dim,
    aten.amax.default,
    aten.amin.default,
    aten.argmax.default,
    aten.argmin.default,
    aten.var.dim,
    aten.var.correction,
    aten.std.dim,
    aten.std.correction,
    aten.prod.dim_int,
    aten.logsumexp.default,
    aten.linalg_vector_norm.default,
    aten.norm.ScalarOpt_dim,
    aten.any.dim,
    aten.all.dim,
)
def reduce(walk: Walk, node: fx.Node) -> Labels:
    labels = walk.of(node.args[0])
    position = 2 if node.target in (aten.linalg_vector_norm.default, aten.norm.ScalarOpt_dim) else 1
    given = node.args[position] if len(node.args) > position else node.kwargs.get("dim")
    dims = _dims(walk.sizes.arguments(given), labels.layers[0].ndim)
    shape = walk.sizes.shape(node)
    reason = f"is mixed with the others by {named(node)}"
    return labels.each(lambda layer: mix(walk, layer, dims, reason).reshape(shape))


@rule(
    aten.max.dim,
    aten.min.dim,
    aten.median.dim,
    aten.mode.default,
    aten.topk.default,
    aten.sort.default,
)
def choose(walk: Walk, node: fx.Node) -> Several:
    """Numbers that are chosen among others, and where they stand."""
    labels, position = walk.of(node.args[0]), 2 if node.target is aten.topk.default else 1
    given = node.args[position] if len(node.args) > position else node.kwargs.get("dim", -1)
    dims = _dims(walk.sizes.arguments(given), labels.layers[0].ndim)
    reason = f"is mixed with the others by {named(node)}"

    def chosen(layer: Tensor, shape: Shape) -> Tensor:
        small = mix(walk, layer, dims, reason)
        return small.expand(shape) if small.ndim == len(shape) else small.reshape(shape)

    return [labels.each(partial(chosen, shape=shape)) for shape in walk.sizes.shapes(node)]


@rule(aten.glu.default)
def glu(walk: Walk, node: fx.Node) -> Labels:
    """The first half of a dimension is scaled by the second."""
    dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", -1)
    labels, shape = walk.of(node.args[0]), walk.sizes.shape(node)
    halves = zip(*(layer.chunk(2, int(dim)) for layer in labels.layers), strict=True)  # type: ignore[arg-type]
    return meet(walk, node, [(None, Labels(each, labels.stored)) for each in halves], shape)


@rule(
    aten.softmax.int,
    aten._softmax.default,
    aten.log_softmax.int,
    aten._log_softmax.default,
    aten.cumsum.default,
    aten.cumprod.default,
    aten.logcumsumexp.default,
)
def normalise(walk: Walk, node: fx.Node) -> Labels:
    labels = walk.of(node.args[0])
    dims = _dims(walk.sizes.arguments(node.args[1]), labels.layers[0].ndim)
    for layer in labels.layers:
        mix(walk, layer, dims, f"is mixed with the others by {named(node)}")
    return labels


@rule(aten.layer_norm.default, aten.rms_norm.default)
def layer_norm(walk: Walk, node: fx.Node) -> Labels:
    shape = walk.sizes.shape(node)
    sizes = node.args[1]
    assert isinstance(sizes, Sequence)
    dims = range(len(shape) - len(sizes), len(shape))
    for layer in walk.of(node.args[0]).layers:
        mix(walk, layer, dims, f"is normalised together with the others by {named(node)}")
    return _scaled(walk, node, (0, 2, 3))


@rule(aten.group_norm.default)
def group_norm(walk: Walk, node: fx.Node) -> Labels:
    """Channels lie on dimension 1; those of one group are normalised together."""
    groups = node.args[1]
    assert isinstance(groups, int)
    shape = walk.sizes.shape(node)
    for layer in walk.of(node.args[0]).layers:
        grouped = layer.reshape(len(layer), groups, -1, *layer.shape[2:])
        mix(walk, grouped, range(2, grouped.ndim), "is normalised together with others of a group")
    return _scaled(walk, node, (0, 2, 3), axis=1 - len(shape))


@rule(aten.batch_norm.default, aten.instance_norm.default)
def batch_norm(walk: Walk, node: fx.Node) -> Labels:
    """Channels lie on dimension 1; each is normalised alone."""
    return _scaled(walk, node, (0, 1, 2, 3, 4), axis=1 - len(walk.sizes.shape(node)))


@rule(
    aten.adaptive_avg_pool1d.default,
    aten.adaptive_avg_pool2d.default,
    aten.avg_pool1d.default,
    aten.avg_pool2d.default,
    aten.max_pool1d.default,
    aten.max_pool2d.default,
    aten.upsample_nearest2d.vec,
    aten.upsample_bilinear2d.vec,
    aten.upsample_bicubic2d.vec,
)
def pool(walk: Walk, node: fx.Node) -> Labels:
    """Channels lie on the first two dimensions; places on the others."""
    labels = walk.of(node.args[0])
    shape = walk.sizes.shape(node)
    dims = range(2, len(shape))
    reason = f"is mixed with the others by {named(node)}"
    return labels.each(lambda layer: mix(walk, layer, dims, reason).expand(shape))


def _scaled(walk: Walk, node: fx.Node, positions: Sequence[int], axis: int = -1) -> Labels:
    """A value and the vectors, one number for each place of `axis`, that scale and shift it."""
    shape = walk.sizes.shape(node)
    operands = []
    for position in positions:
        argument = node.args[position] if position < len(node.args) else None
        labels = walk.of(argument)
        if position > 0 and axis < -1:
            ones = [1] * (-axis - 1)
            labels = labels.each(lambda layer: layer.view(*layer.shape, *ones))  # noqa: B023
        operands.append((argument, labels))
    return meet(walk, node, operands, shape) if operands else NONE


def _dims(given: Any, ndim: int) -> list[int]:
    """The dimensions that an argument means; none means all."""
    if given is None or given == []:
        return list(range(ndim))
    return [int(dim) % ndim for dim in (given if isinstance(given, Sequence) else [given])]
