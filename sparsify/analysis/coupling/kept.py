"""Which positions of each value stay when classes of channels are removed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, fx

from sparsify.analysis.coupling.ids import Classes, compact
from sparsify.analysis.coupling.labels import Labels
from sparsify.analysis.coupling.walk import Several, Walk
from sparsify.errors import Problem

Positions = tuple[int, ...]
Kept = list[Positions | None]
"""For each dimension the positions that stay; None where all do."""


class Remaining:
    """The positions that stay once the classes marked in `removed`, bool[ids], are gone."""

    def __init__(self, walk: Walk, classes: Classes, removed: Tensor) -> None:
        self.walk = walk
        self._classes = classes
        self._removed = removed
        self._known: dict[fx.Node, Kept | list[Kept]] = {}

    def of(self, node: fx.Node) -> Kept:
        """Those of one tensor.

        Raises:
            Problem: what stays is no block, as when one head loses a channel that others keep.
        """
        found = self._find(node)
        assert not found or not isinstance(found[0], list)
        return found  # type: ignore[return-value]

    def each(self, node: fx.Node) -> list[Kept]:
        """Those of a value that is several tensors."""
        found = self._find(node)
        return found if found and isinstance(found[0], list) else []

    def assume(self, node: fx.Node, kept: Kept) -> None:
        """Take it as given what stays of `node`."""
        self._known[node] = kept

    def of_ids(self, layer: Tensor) -> Kept:
        """Those of a value that carries `layer`."""
        return _block(self._removed[self._classes.of(compact(layer))], layer.shape)

    def _find(self, node: fx.Node) -> Kept | list[Kept]:
        if node not in self._known:
            labels: Several = self.walk.labels[node]
            try:
                if isinstance(labels, list):
                    self._known[node] = [self._of_labels(each) for each in labels]
                else:
                    self._known[node] = self._of_labels(labels)
            except Uneven:
                raise refusal(node, "what remains of it would be no block") from None
        return self._known[node]

    def _of_labels(self, labels: Labels) -> Kept:
        found: Kept = []
        for layer in labels.layers:
            mine = self.of_ids(layer)
            found = [_both(a, b) for a, b in zip(found, mine, strict=True)] if found else mine
        return found


class Uneven(Exception):
    """Positions that stay form no block."""


def shape_of(full: Sequence[int], kept: Kept) -> tuple[int, ...]:
    """The shape of what stays of a tensor of shape `full`."""
    if not kept:
        return tuple(full)
    return tuple(size if each is None else len(each) for size, each in zip(full, kept, strict=True))


def select(value: Tensor, kept: Kept) -> Tensor:
    """What stays of a tensor."""
    for dim, positions in enumerate(kept):
        if positions is not None:
            value = value.index_select(dim, torch.tensor(positions, device=value.device))
    return value


def dimension(node: fx.Node, remaining: Remaining) -> tuple[int, Positions | None, int]:
    """Which dimension a call picks from, what stays along it, and its size."""
    source, dim = node.args[0], node.args[1] if len(node.args) > 1 else 0
    assert isinstance(source, fx.Node)
    assert isinstance(dim, int)
    shape = remaining.walk.sizes.shape(source)
    dim %= len(shape)
    kept = remaining.of(source)
    return dim, kept[dim] if kept else None, shape[dim]


def refusal(node: fx.Node, why: str) -> Problem:
    """The problem of channels that flow through `node`."""
    trace = (node.stack_trace or "").strip().splitlines()
    line = trace[-1].strip() if trace else ""
    return Problem(f"channels cannot be removed through %{node.name}{line and f' ({line})'}: {why}")


def _block(gone: Tensor, shape: Sequence[int]) -> Kept:
    """The positions that stay along each dimension of bool[shape], broadcast."""
    if not bool(gone.any()):
        return [None] * len(shape)
    stays = ~gone
    block = torch.ones((), dtype=torch.bool)
    kept: Kept = []
    for dim in range(stays.ndim):
        others = [each for each in range(stays.ndim) if each != dim]
        here = stays.any(others) if others else stays
        block = block & here.view([-1 if each == dim else 1 for each in range(stays.ndim)])
        whole = bool(here.all())
        kept.append(None if whole else tuple(here.nonzero().flatten().tolist()))
    if not torch.equal(block.expand(stays.shape), stays) or not bool(stays.any()):
        raise Uneven
    return kept


def _both(first: Positions | None, second: Positions | None) -> Positions | None:
    if first is None or second is None:
        return first if second is None else second
    return tuple(sorted(set(first) & set(second)))
