"""Calls that name the places they pick."""

from __future__ import annotations

from collections.abc import Sequence

from torch import fx

from sparsify.analysis.coupling.kept import Positions, Remaining, dimension, refusal
from sparsify.analysis.coupling.places import places
from sparsify.analysis.coupling.rewrites.calls import Call, as_it_is, replaced, rewrite
from sparsify.analysis.coupling.walk import named
from sparsify.program import aten


@rewrite(aten.split.Tensor, aten.split_with_sizes.default, aten.chunk.default)
def _split(node: fx.Node, remaining: Remaining) -> Call:
    source, _, *rest = node.args
    dim = rest[0] if rest else node.kwargs.get("dim", 0)
    assert isinstance(source, fx.Node)
    assert isinstance(dim, int)
    parts = remaining.each(node)
    dim %= len(remaining.of(source))
    if all(part[dim] is None for part in parts):
        return as_it_is(node)
    full = [shape[dim] for shape in remaining.walk.sizes.shapes(node)]
    sizes = [
        size if (stay := part[dim]) is None else len(stay)
        for size, part in zip(full, parts, strict=True)
    ]
    return Call(aten.split_with_sizes.default, (source, sizes, dim), {})


@rewrite(aten.slice.Tensor, aten.narrow.default)
def _slice(node: fx.Node, remaining: Remaining) -> Call:
    source = node.args[0]
    assert isinstance(source, fx.Node)
    dim, kept, size = dimension(node, remaining)
    if kept is None:
        return as_it_is(node)
    start, end, step = (*remaining.walk.sizes.arguments(node.args[2:]), *[None] * 3)[:3]
    start = start or 0
    if node.target is aten.narrow.default:
        end = start + end
    if step not in (None, 1):
        return _every(node, dim, kept, range(*slice(start, end, step).indices(size)))
    start, end, _ = slice(start, end).indices(size)
    bounds = (sum(each < bound for each in kept) for bound in (start, end))
    return Call(aten.slice.Tensor, (source, dim, *bounds), {})


def _every(node: fx.Node, dim: int, kept: Positions, picked: range) -> Call:
    """Every so many of what stays, where that is what stays of every so many."""
    places = [kept.index(each) for each in picked if each in kept]
    stride = places[1] - places[0] if len(places) > 1 else 1
    if not places or places != [*range(places[0], places[-1] + 1, stride)]:
        raise refusal(node, "it takes every so many of the channels")
    bounds = (places[0], places[-1] + 1, stride)
    return Call(aten.slice.Tensor, (node.args[0], dim, *bounds), {})


@rewrite(aten.select.int)
def _select(node: fx.Node, remaining: Remaining) -> Call:
    _, kept, size = dimension(node, remaining)
    if kept is None:
        return as_it_is(node)
    index = int(remaining.walk.sizes.arguments(node.args[2])) % size
    if index not in kept:
        raise refusal(node, "it picks a channel that would be gone")
    return replaced(node, 2, kept.index(index))


@rewrite(aten.index.Tensor, aten.index_select.default)
def _index(node: fx.Node, remaining: Remaining) -> Call:
    source, which = node.args[:2]
    assert isinstance(source, fx.Node)
    kept = remaining.of(source)
    assert isinstance(which, int | Sequence)
    indexed = [which] if isinstance(which, int) else places(which)
    if kept and any(kept[dim] is not None for dim in indexed):
        raise refusal(node, f"{named(node)} picks channels by index")
    return as_it_is(node)
