"""What products and additions did to the classes of channels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sparsify.analysis.coupling.ids import Classes, compact
from sparsify.analysis.coupling.walk import Walk
from sparsify.analysis.structures import Kind


class Marks:
    """What products did to each id and each class."""

    def __init__(self, walk: Walk, classes: Classes) -> None:
        seen, count = walk.seen, walk.ids.count
        self.read = _marked(seen.read, count)
        self.made = _marked(seen.made, count)
        self._root = classes.root
        self.made_classes = self._classes(self.made)
        tokenwise = _marked(seen.tokenwise, count)
        self._at_tokens = self._classes(tokenwise)
        self._tokenwise = ~self._classes(_marked(seen.weighed, count) & ~tokenwise)
        self._added = self._classes(_marked(seen.added, count))
        self._weighed = _marked(seen.weighed, count)
        self._met = self._classes(_marked([meeting.query for meeting in seen.meetings], count))
        self._shared = self._groups(walk)

    def kind(self, each: int) -> Kind:
        # two pooled vectors that are compared meet as well
        if self._met[each] and self._at_tokens[each]:
            return "kv-group" if each in self._shared else "head"
        makers = int((self._weighed & (self._root == each)).sum())
        if self._added[each] and makers > 1:
            return "width"
        read = bool((self.read & (self._root == each)).any())
        return "neuron" if self._tokenwise[each] and makers and read else "channel"

    def _classes(self, ids: Tensor) -> Tensor:
        """bool[ids]: the classes of the marked ids."""
        marked = torch.zeros_like(ids)
        marked[self._root[ids]] = True
        return marked

    def _groups(self, walk: Walk) -> set[int]:
        """Classes with more query channels than key channels: several heads share a key."""
        found: set[int] = set()
        for meeting in walk.seen.meetings:
            counts = []
            for layer in (meeting.query, meeting.key):
                ids = torch.unique(compact(layer))
                counts.append(torch.bincount(self._root[ids], minlength=len(self._root)))
            found |= set((counts[0] > counts[1]).nonzero().flatten().tolist())
        return found


def _marked(layers: Sequence[Tensor], count: int) -> Tensor:
    marked = torch.zeros(count, dtype=torch.bool)
    for layer in layers:
        marked[torch.unique(compact(layer))] = True
    marked[0] = False
    return marked
