"""The chain of views between a parameter and the product that reads it, axis by axis."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from torch import fx

from sparsify.program import aten

Axes = list[frozenset[int]]
"""For each axis of a view, the axes of the parameter that it runs along."""

SPLITS = {
    aten.split.Tensor,
    aten.split_with_sizes.default,
    aten.chunk.default,
    aten.unbind.int,
    operator.getitem,
}
RESHAPES = {
    aten.view.default,
    aten.reshape.default,
    aten.flatten.using_ints,
    aten.unflatten.int,
}
PREPARATION = {
    *SPLITS,
    *RESHAPES,
    aten.t.default,
    aten.numpy_T.default,
    aten.transpose.int,
    aten.permute.default,
    aten.to.dtype,
    aten.to.dtype_layout,
    aten.contiguous.default,
    aten.detach.default,
    aten.alias.default,
    aten.clone.default,
    aten.unsqueeze.default,
    aten.squeeze.dim,
    aten.squeeze.default,
    aten.expand.default,
    aten.slice.Tensor,
    aten.select.int,
}
"""Calls that hand on the numbers of a weight without mixing them."""

PICKS = {aten.index.Tensor, aten.index_select.default}
"""Calls that pick whole entries along the first axis: one expert's weight for each token."""


def through(view: fx.Node, axes: Axes) -> Axes:
    """The axes of `view`, for the axes of what it looks at."""
    target, args = view.target, view.args
    if target in (aten.t.default, aten.numpy_T.default):
        return axes[::-1]
    if target is aten.transpose.int:
        order = list(range(len(axes)))
        first, second = _place(args[1], axes), _place(args[2], axes)
        order[first], order[second] = second, first
        return [axes[i] for i in order]
    if target is aten.permute.default:
        return [axes[int(i)] for i in args[1]]  # type: ignore[union-attr, arg-type]
    if target is aten.unsqueeze.default:
        place = _place(args[1], [*axes, frozenset()])
        return [*axes[:place], frozenset(), *axes[place:]]
    if target in (aten.select.int, aten.squeeze.dim, aten.unbind.int):
        place = _place(args[1] if len(args) > 1 else 0, axes)
        return [*axes[:place], *axes[place + 1 :]]
    if target is aten.index.Tensor:
        picked = args[1][0].meta["val"].ndim  # type: ignore[index, union-attr]
        return [axes[0]] * picked + axes[1:]
    if target in RESHAPES or target is aten.squeeze.default:
        return _regroup(_sizes(view.args[0]), _sizes(view), axes)
    if target is aten.expand.default:
        return [frozenset()] * (len(_sizes(view)) - len(axes)) + axes
    return axes


def _regroup(before: Sequence[Any], after: Sequence[Any], axes: Axes) -> Axes:
    """Axes that are split or joined: within the smallest runs of equal product, all to all."""
    if not all(isinstance(size, int) for size in (*before, *after)):
        return [frozenset().union(*axes)] * len(after)
    found: Axes = []
    read = 0
    while len(found) < len(after):
        start, stop = read, len(found) + 1
        have, want = (before[read] if read < len(before) else 1), after[stop - 1]
        read += 1
        while have != want:
            if have < want:
                have *= before[read]
                read += 1
            else:
                want *= after[stop]
                stop += 1
        joined = frozenset().union(*axes[start:read])
        found += [joined if size > 1 else frozenset() for size in after[len(found) : stop]]
    return found


def _place(dim: Any, axes: Axes) -> int:
    return int(dim) % len(axes)


def _sizes(node: Any) -> list[Any]:
    return list(node.meta["val"].shape)
