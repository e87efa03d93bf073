"""Plans the removal of classes of channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, fx

from sparsify.analysis.coupling.ids import Classes, compact
from sparsify.analysis.coupling.kept import Kept, Remaining, refusal
from sparsify.analysis.coupling.labels import varies
from sparsify.analysis.coupling.plan import Change, Copy, Plan
from sparsify.analysis.coupling.proof import prove
from sparsify.analysis.coupling.rewrites.calls import REWRITES, rewritten
from sparsify.analysis.coupling.walk import Walk
from sparsify.program import aten

PICKING = {aten.index.Tensor, aten.index_select.default}


class Planner:
    """Knows which nodes carry which classes."""

    def __init__(self, walk: Walk, classes: Classes) -> None:
        self.walk = walk
        self.classes = classes
        self._ids = {node: self._ids_of(node) for node in walk.program.graph.nodes}
        counts = torch.tensor([len(ids) for ids in self._ids.values()])
        self._carriers = torch.arange(len(counts)).repeat_interleave(counts)
        self._carried = classes.root[torch.cat([*self._ids.values()])]
        self._aligned: dict[fx.Node, list[tuple[fx.Node, Tensor]]] = {}
        for each in walk.seen.aligned:
            self._aligned.setdefault(each.node, []).append((each.operand, each.base))

    def plan(self, gone: Sequence[int]) -> Plan:
        """What changes when these classes are removed.

        Raises:
            Problem: a node cannot be narrowed as they demand.
        """
        removed = torch.zeros(self.walk.ids.count, dtype=torch.bool)
        removed[list(gone)] = True
        remaining = Remaining(self.walk, self.classes, removed)
        stored, made, changes = {}, {}, []
        for node in self._touched(removed):
            if node.op == "get_attr":
                stored[node] = remaining.of(node)
            elif node in self.walk.sources and node.target not in REWRITES:
                made[node] = remaining.of(node)
            elif node.op not in ("placeholder", "output"):
                copies = tuple(self._copies(node, remaining))
                changes.append(Change(node, rewritten(node, remaining), copies))
                prove(self.walk, changes[-1], remaining)
        return Plan(stored, made, tuple(changes), remaining)

    def _touched(self, removed: Tensor) -> Iterator[fx.Node]:
        """Nodes that carry classes to be removed, and those that read one, in graph order."""
        carriers = set(self._carriers[removed[self._carried]].tolist())
        readers: set[fx.Node] = set()
        for number, node in enumerate(self._ids):
            if number in carriers:
                readers.update(node.users)
            if number in carriers or node in readers:
                yield node

    def _copies(self, node: fx.Node, remaining: Remaining) -> Iterator[Copy]:
        """Operands that do not shrink by themselves where the others do."""
        for operand, base in self._aligned.get(node, ()):
            own, shape = remaining.of(operand), self.walk.sizes.shape(operand)
            theirs = remaining.of_ids(base)[base.ndim - len(shape) :]
            kept: Kept = [
                positions if size > 1 and not (own and own[dim] is not None) else None
                for dim, (positions, size) in enumerate(zip(theirs, shape, strict=True))
            ]
            if any(each is not None for each in kept):
                yield self._copy(operand, kept)

    def _copy(self, operand: fx.Node, kept: Kept) -> Copy:
        """A narrowed copy of an operand, made from as far back as its ids tell it apart."""
        removed = torch.zeros(self.walk.ids.count, dtype=torch.bool)
        known: list[bool] = []
        for dim, positions in enumerate(kept):
            if positions is None:
                continue
            layers = [layer for layer in self.walk.of(operand).layers if varies(layer, dim)]
            known.append(bool(layers))
            gone = sorted(set(range(layers[0].shape[dim] if layers else 0)) - set(positions))
            for layer in layers:
                removed[torch.unique(compact(layer).index_select(dim, torch.tensor(gone)))] = True
        remaining = Remaining(self.walk, Classes(torch.arange(len(removed)), {}), removed)
        if not all(known):
            return self._picked(operand, kept, remaining)
        if remaining.of(operand) != kept:
            raise refusal(operand, "it is used in full elsewhere, and no part of it can be copied")
        return self._made_anew(operand, kept, remaining, removed)

    def _picked(self, operand: fx.Node, kept: Kept, remaining: Remaining) -> Copy:
        if operand.target is aten.expand.default:
            remaining.assume(operand, kept)
            change = Change(operand, rewritten(operand, remaining))
            prove(self.walk, change, remaining)
            return Copy(operand, (*kept,), (), ((operand, change.call),), remaining)
        for dim, positions in enumerate(kept):
            if positions is not None and not isinstance(operand.meta["val"].shape[dim], int):
                raise refusal(operand, "it has no fixed size where it meets channels")
        remaining.assume(operand, kept)
        return Copy(operand, (*kept,), ((operand, kept),), (), remaining)

    def _made_anew(
        self, operand: fx.Node, kept: Kept, remaining: Remaining, removed: Tensor
    ) -> Copy:
        needed = self._behind(operand, removed)
        selected: list[tuple[fx.Node, Kept]] = []
        calls = []
        for node in self.walk.program.graph.nodes:
            if node not in needed:
                continue
            if self._is_origin(node):
                selected.append((node, remaining.of(node)))
            else:
                change = Change(node, rewritten(node, remaining))
                prove(self.walk, change, remaining)
                calls.append((node, change.call))
        return Copy(operand, (*kept,), tuple(selected), tuple(calls), remaining)

    def _behind(self, operand: fx.Node, removed: Tensor) -> set[fx.Node]:
        """The operand and all behind it that carries ids to be removed."""
        found: set[fx.Node] = set()
        queue = [operand]
        while queue:
            node = queue.pop()
            if node not in found and bool(removed[self._ids[node]].any()):
                found.add(node)
                if not self._is_origin(node):
                    queue.extend(node.all_input_nodes)
        return found

    def _is_origin(self, node: fx.Node) -> bool:
        """Whether a copy selects from this value rather than makes it anew."""
        is_range = node in self.walk.sources and node.target not in REWRITES
        return node.op == "get_attr" or is_range or node.target in PICKING

    def _ids_of(self, node: fx.Node) -> Tensor:
        labels = self.walk.labels[node]
        parts = labels if isinstance(labels, list) else [labels]
        layers = [compact(layer).reshape(-1) for part in parts for layer in part.layers]
        return torch.unique(torch.cat(layers)) if layers else torch.zeros(0, dtype=torch.int64)
