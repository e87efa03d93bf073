"""Matrix products, einsum, convolutions and attention, written as contractions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from string import ascii_letters

from torch import Tensor, fx

from sparsify.analysis.coupling.labels import NONE, Labels, varies
from sparsify.analysis.coupling.rules.contraction import Side, contract
from sparsify.analysis.coupling.rules.pointwise import meet
from sparsify.analysis.coupling.walk import Walk, named, rule
from sparsify.analysis.operations import LETTERED, factors, spelled
from sparsify.dropout import SDPA, Attention
from sparsify.program import aten

Letters = tuple[str, str, str]
"""Those of the left operand, of the right one, and of the result."""


def _of_matmul(left: int, right: int) -> Letters:
    """Letters for matmul of operands with so many dimensions: rows r, columns c, inner k."""
    batch = ascii_letters.replace("r", "").replace("c", "").replace("k", "")
    count = max(left, right, 2) - 2
    first = "k" if left == 1 else batch[count - (left - 2) : count] + "rk"
    second = "k" if right == 1 else batch[count - (right - 2) : count] + "kc"
    out = batch[:count] + ("r" if left > 1 else "") + ("c" if right > 1 else "")
    return first, second, out


@rule(aten.matmul.default, aten.mm.default, aten.bmm.default)
def matmul(walk: Walk, node: fx.Node) -> Labels:
    return _product(walk, node, node.args[0], node.args[1], walk.sizes.shape(node))


@rule(aten.addmm.default, aten.baddbmm.default)
def add_product(walk: Walk, node: fx.Node) -> Labels:
    shape = walk.sizes.shape(node)
    product = _product(walk, node, node.args[1], node.args[2], shape)
    return meet(walk, node, [(None, product), (node.args[0], walk.of(node.args[0]))], shape)


def _product(
    walk: Walk, node: fx.Node, left: object, right: object, shape: Sequence[int]
) -> Labels:
    assert isinstance(left, fx.Node)
    assert isinstance(right, fx.Node)
    ndims = (len(walk.sizes.shape(each)) for each in (left, right))
    first, second, out = _of_matmul(*ndims)
    sides = Side(left, walk.of(left), first), Side(right, walk.of(right), second)
    return contract(walk, node, *sides, out, shape)


@rule(aten.linear.default)
def linear(walk: Walk, node: fx.Node) -> Labels:
    value, weight = node.args[:2]
    shape = walk.sizes.shape(node)
    rows = ascii_letters[: len(shape) - 1]
    channels = walk.of(value)
    if channels.stored:
        channels = _rows(walk, channels)
    sides = Side(value, channels, rows + "Y"), Side(weight, walk.of(weight), "ZY")
    product = contract(walk, node, *sides, rows + "Z", shape)
    bias = node.args[2] if len(node.args) > 2 else None
    return meet(walk, node, [(None, product), (bias, walk.of(bias))], shape)


def _rows(walk: Walk, table: Labels) -> Labels:
    """A stored table that is read row by row, as an activation: its rows are no channels."""
    for layer in table.layers:
        if varies(layer, layer.ndim - 1):
            return Labels((layer,))
        walk.ids.freeze(layer, "is a row that a product reads")
    return NONE


@rule(*LETTERED)
def lettered(walk: Walk, node: fx.Node) -> Labels:
    """Products of two and two operands, from the first to the last."""
    operands, (letters, out) = factors(node), spelled(node)
    if len(operands) < 2 or any(len(set(each)) < len(each) for each in letters):
        return walk.refuse(node, f"goes through {named(node)} of one operand or with a diagonal")
    sizes: dict[str, int] = {}
    for operand, each in zip(operands, letters, strict=True):
        for letter, size in zip(each, walk.sizes.shape(operand), strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    side = Side(operands[0], walk.of(operands[0]), letters[0])
    for number, (operand, each) in enumerate(zip(operands, letters, strict=True)):
        if number:
            later = out + "".join(letters[number + 1 :])
            both = "".join(dict.fromkeys(side.letters + each))
            kept = "".join(x for x in both if x in later) if letters[number + 1 :] else out
            other, shape = Side(operand, walk.of(operand), each), [sizes[x] for x in kept]
            side = Side(None, contract(walk, node, side, other, kept, shape), kept)
    return side.labels


@rule(SDPA, Attention)
def attention(walk: Walk, node: fx.Node) -> Labels:
    """Scores of queries and keys, a mask on them, and the values they weigh."""
    query, key, value = (walk.of(each) for each in node.args[:3])
    shape = walk.sizes.shape(node)
    sizes = [walk.sizes.shape(each) for each in node.args[:3] if isinstance(each, fx.Node)]
    heads, groups = sizes[0][-3] if len(shape) > 2 else 1, sizes[1][-3] if len(shape) > 2 else 1
    if heads != groups:
        key, value = (_repeated(each, heads // groups) for each in (key, value))
    batch = ascii_letters[: len(shape) - 2]
    scored = (*shape[:-2], sizes[0][-2], sizes[1][-2])
    first = Side(node.args[0], query, batch + "QE"), Side(node.args[1], key, batch + "KE")
    scores = contract(walk, node, *first, batch + "QK", scored)
    mask = node.args[3] if len(node.args) > 3 else node.kwargs.get("attn_mask")
    scores = meet(walk, node, [(None, scores), (mask, walk.of(mask))], scored)
    second = Side(None, scores, batch + "QK"), Side(node.args[2], value, batch + "KV")
    return contract(walk, node, *second, batch + "QV", shape)


def _repeated(labels: Labels, times: int) -> Labels:
    return labels.each(lambda layer: layer.repeat_interleave(times, -3))


@rule(aten.conv1d.default, aten.conv2d.default, aten.conv3d.default)
def convolution(walk: Walk, node: fx.Node) -> Labels:
    value, weight, bias = (*node.args, None)[:3]
    assert isinstance(value, fx.Node)
    assert isinstance(weight, fx.Node)
    shape = walk.sizes.shape(node)
    for layer in walk.of(weight).layers:
        if any(varies(layer, dim) for dim in range(2, layer.ndim)):
            walk.ids.freeze(layer, "is a place in the kernel of a convolution")
    flat = walk.of(value).each(_centre)
    if any(varies(layer, dim) for layer in walk.of(value).layers for dim in range(2, layer.ndim)):
        return walk.refuse(node, f"is mixed with the others by {named(node)}")
    rows = [each for each in walk.of(weight).layers if varies(each, 0) or varies(each, 1)]
    kernel = Labels(tuple(_centre(each) for each in rows), stored=True)
    groups = node.args[6] if len(node.args) > 6 else node.kwargs.get("groups", 1)
    assert isinstance(groups, int)
    if groups == walk.sizes.shape(value)[1] > 1:
        made = _depthwise(walk, flat, kernel, shape[:2])
    else:
        sides = Side(None, _alike(walk, flat, groups), "bi"), Side(weight, kernel, "oi")
        made = contract(walk, node, *sides, "bo", shape[:2])
        _alike(walk, made, groups)
        if prod(walk.sizes.shape(weight)[2:]) == 1 < prod(shape[2:]):
            walk.seen.tokenwise += [layer for layer in kernel.layers if varies(layer, 0)]
    ones = [1] * (len(shape) - 2)
    placed = made.each(lambda layer: layer.reshape(*layer.shape, *ones).expand(shape))
    shift = walk.of(bias).each(lambda layer: layer.reshape(-1, *ones))
    return meet(walk, node, [(None, placed), (bias, shift)], shape)


def _alike(walk: Walk, channels: Labels, groups: int) -> Labels:
    """The channels of one group; all groups lose the same ones, so that they stay of one size."""

    def of_one(layer: Tensor) -> Tensor:
        grouped = layer.reshape(len(layer), groups, -1)
        walk.ids.join(grouped, grouped[:, :1])
        return grouped[:, 0]

    return channels.each(of_one)


def _depthwise(walk: Walk, value: Labels, kernel: Labels, shape: Sequence[int]) -> Labels:
    """Each channel is convolved alone: what it gives out is the same channel."""
    if not value.layers:
        for layer in kernel.layers:
            walk.ids.freeze(layer, "reads what has no channels to remove")
        return NONE
    times = shape[1] // value.layers[0].shape[1]
    found = value.layers[0].repeat_interleave(times, 1)
    for layer in kernel.layers:
        walk.ids.join(found, layer[:, 0])
    return Labels((found.expand(*shape),))


def _centre(layer: Tensor) -> Tensor:
    """The ids at the first place of a kernel or an image."""
    while layer.ndim > 2:
        layer = layer.select(2, 0)
    return layer
