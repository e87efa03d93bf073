"""The calls that multiply and sum, and what stands where among their arguments."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

from torch import fx

from sparsify.dropout import SDPA, Attention
from sparsify.program import aten

EITHER_SIDE: dict[object, tuple[int, int]] = {
    aten.mm.default: (0, 1),
    aten.matmul.default: (0, 1),
    aten.bmm.default: (0, 1),
    aten.addmm.default: (1, 2),
    aten.baddbmm.default: (1, 2),
    aten._grouped_mm.default: (0, 1),
}
"""Matrix product -> where its left and right factor stand; a weight may be either."""

CONVOLUTIONS: set[object] = {
    aten.conv1d.default,
    aten.conv1d.padding,
    aten.conv2d.default,
    aten.conv2d.padding,
    aten.conv3d.default,
    aten.convolution.default,
    aten.conv_transpose1d.default,
    aten.conv_transpose2d.input,
}

TRANSPOSED: set[object] = {aten.conv_transpose1d.default, aten.conv_transpose2d.input}
"""Convolutions whose weight has its inputs on the first axis."""

BIASES: dict[object, int] = {
    aten.linear.default: 2,
    aten.addmm.default: 0,
    aten.baddbmm.default: 0,
    **dict.fromkeys(CONVOLUTIONS, 2),
}
"""Product -> where its bias stands."""

FIRST_TWO: set[object] = {aten.linear.default, aten.tensordot.default}
"""Products whose first two arguments are their factors."""

LETTERED: set[object] = {aten.einsum.default, aten.tensordot.default}
"""Products of which a letter for each dimension says it all."""

TRANSFORMS: set[object] = {aten.fft_fftn.default, aten.fft_fft.default, aten.fft_rfft.default}
"""Products with fixed numbers that stand nowhere."""

SOFTMAXES: set[object] = {
    aten.softmax.int,
    aten._softmax.default,
    aten._safe_softmax.default,
}


def factors(node: fx.Node) -> tuple[fx.Node, ...]:
    """What a product multiplies, activation and weight in the order of its arguments.

    Empty for every other node; query, key and value for fused attention; one for a transform.
    """
    found: tuple[Any, ...] = ()
    if attends(node):
        names = ("query", "key", "value")
        found = (*node.args[:3], *(node.kwargs[name] for name in names if name in node.kwargs))
    elif node.target in EITHER_SIDE:
        found = tuple(node.args[place] for place in EITHER_SIDE[node.target])
    elif node.target in CONVOLUTIONS or node.target in FIRST_TWO:
        found = node.args[:2]
    elif node.target is aten.einsum.default and len(node.args[1]) > 1:  # type: ignore[arg-type]
        found = tuple(node.args[1])  # type: ignore[arg-type]
    elif node.target in TRANSFORMS:
        found = node.args[:1]
    return tuple(each for each in found if isinstance(each, fx.Node))


def attends(node: fx.Node) -> bool:
    """Whether the node is attention in one operation."""
    if node.op == "call_module":
        module = node.graph.owning_module
        return module is not None and isinstance(module.get_submodule(str(node.target)), Attention)
    return node.target is SDPA


def sides(node: fx.Node, place: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of factor `place` that make channels of the result, and those summed over."""
    last = factors(node)[place].meta["val"].ndim - 1
    if node.target in LETTERED:
        return _letters(node, place)
    if node.target in EITHER_SIDE:
        if last == 0:
            return (), (0,)
        return ((last - 1,), (last,)) if place == 0 else ((last,), (last - 1,))
    transposed = node.target in TRANSPOSED or (
        node.target is aten.convolution.default and node.args[6]
    )
    return ((1,), (0,)) if transposed else ((0,), (1,))


def summed(node: fx.Node, place: int) -> tuple[int, ...]:
    """The axes of factor `place` that one number of the result is a sum over."""
    rank = factors(node)[place].meta["val"].ndim
    kernel = range(2, rank) if node.target in CONVOLUTIONS else ()
    return (*sides(node, place)[1], *kernel)


def spelled(node: fx.Node) -> tuple[list[str], str]:
    """A letter for each dimension of the factors of a lettered product, and of its result."""
    if node.target is aten.tensordot.default:
        return _of_tensordot(node)
    terms, arrow, result = str(node.args[0]).replace(" ", "").partition("->")
    parts = terms.split(",")
    unused = [x for x in ascii_letters if x not in terms]
    operands: Any = node.args[1]
    more = [
        each.meta["val"].ndim - len(part) + 3 for each, part in zip(operands, parts, strict=True)
    ]
    dots = ["".join(unused[:count][::-1]) for count in more]
    if not arrow:
        result = "".join(sorted(x for x in set(terms) - set(",.") if terms.count(x) == 1))
        result = "..." * ("..." in terms) + result
    widest = max(
        (each for each, part in zip(dots, parts, strict=True) if "..." in part), key=len, default=""
    )
    spelled = [part.replace("...", each) for each, part in zip(dots, parts, strict=True)]
    return spelled, result.replace("...", widest)


def _of_tensordot(node: fx.Node) -> tuple[list[str], str]:
    first, second = factors(node)
    left = ascii_letters[: first.meta["val"].ndim]
    right = [*ascii_letters[len(left) : len(left) + second.meta["val"].ndim]]
    pairs: Any = zip(node.args[2], node.args[3], strict=True)  # type: ignore[arg-type]
    for mine, theirs in pairs:
        right[theirs] = left[mine]
    result = [x for x in left if x not in right] + [x for x in right if x not in left]
    return [left, "".join(right)], "".join(result)


def _letters(node: fx.Node, place: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    parts, result = spelled(node)
    letters = "".join(parts)
    mine = parts[place]
    shared = {x for x in mine if letters.count(x) > mine.count(x)}
    makes = tuple(i for i, x in enumerate(mine) if x in result and x not in shared)
    reads = tuple(i for i, x in enumerate(mine) if x not in result and x in shared)
    return makes, reads
