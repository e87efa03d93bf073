"""Channel ids, what is known of which ids are one channel, and the classes that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Classes:
    """Which ids are one: those of channels that can only be removed together."""

    root: Tensor
    """i64[ids]: the class of each id; 0 where an id stands for no channel."""
    frozen: dict[int, str]
    """Class -> why it cannot be removed."""

    def of(self, layer: Tensor) -> Tensor:
        """The class at every position of an array of ids, of the same shape."""
        return self.root[layer]


class Ids:
    """Collects facts about ids while labels flow; `solve` finds the classes.

    An id is a channel. A *follower* is an id that joins the class of what it follows if all of that
    is one class, as the mean over one head belongs to the head and the mean over all channels to
    none.
    """

    def __init__(self) -> None:
        self.count = 1
        self._derived: list[tuple[int, int]] = []
        self._joined: list[Tensor] = []
        self._followed: list[Tensor] = []
        self._frozen: list[tuple[Tensor, str]] = []
        self._mixed: dict[int, str] = {}

    def fresh(self, count: int) -> Tensor:
        """i64[count]: ids that no other tensor has."""
        self.count += count
        return torch.arange(self.count - count, self.count)

    def derived(self, count: int, reason: str = "") -> Tensor:
        """Fresh ids that stand for no channel unless they follow one class.

        With `reason` the channels of a mixture are frozen by it.
        """
        start = self.count
        self._derived.append((start, start + count))
        if reason:
            self._mixed |= dict.fromkeys(range(start, start + count), reason)
        return self.fresh(count)

    def join(self, first: Tensor, second: Tensor) -> None:
        """The ids at equal positions, broadcast, are one channel."""
        self._joined.append(pairs(first, second))

    def follow(self, follower: Tensor, followed: Tensor) -> None:
        """Each id of the first follows all ids that stand where it stands, broadcast."""
        found = pairs(follower, followed, zeros=True)
        self._followed.append(found[:, found[0] > 0])

    def freeze(self, layer: Tensor, reason: str) -> None:
        found = torch.unique(compact(layer))
        self._frozen.append((found[found > 0], reason))

    def solve(self) -> Classes:
        """The classes, by joining what is known until nothing new follows."""
        derived = np.zeros(self.count, dtype=bool)
        for start, stop in self._derived:
            derived[start:stop] = True
        joined, followed = _gathered(self._joined), _gathered(self._followed)
        order = np.argsort(followed[0], kind="stable")
        followers, starts = np.unique(followed[0][order], return_index=True)
        first = followed[1][order][starts] if len(followers) else followers
        settled = ~derived
        pending = np.ones(len(followers), dtype=bool)
        settled[0] = False
        while True:
            usable = settled[joined[0]] & settled[joined[1]]
            root = _components(self.count, joined[:, usable])
            root[~settled] = 0
            agreed = _agreed(root[followed[1][order]], starts) & pending
            if not agreed.any():
                break
            pending &= ~agreed
            settled[followers[agreed]] = True
            joined = np.concatenate([joined, np.stack([followers, first])[:, agreed]], axis=1)
        left = (followers[pending], followed[:, np.isin(followed[0], followers[pending])])
        return Classes(torch.from_numpy(root), self._reasons(root, derived, *left))

    def _reasons(
        self, root: Numbers, derived: npt.NDArray[np.bool_], left: Numbers, followed: Numbers
    ) -> dict[int, str]:
        found: dict[int, str] = {}
        for layer, reason in self._frozen:
            for each in np.unique(root[layer.numpy()]).tolist():
                found.setdefault(each, reason)
        mixed = np.isin(followed[0], list(self._mixed))
        # one number for each pair: numpy is slow to find different columns
        pairs = np.unique((followed[0] * self.count + root[followed[1]])[mixed])
        for pair in pairs.tolist():
            follower, each = divmod(pair, self.count)
            found.setdefault(each, self._mixed[follower])
        for each in root[left[~derived[left]]].tolist():
            found.setdefault(each, "is shared by channels that do not go together")
        found.pop(0, None)
        return found


def compact(layer: Tensor) -> Tensor:
    """The same ids without the repetition of expanded dimensions: those have size 1."""
    for dim, (size, stride) in enumerate(zip(layer.shape, layer.stride(), strict=True)):
        if size > 1 and stride == 0:
            layer = layer.narrow(dim, 0, 1)
    return layer


def pairs(first: Tensor, second: Tensor, *, zeros: bool = False) -> Tensor:
    """i64[2, n]: the distinct pairs of ids at equal positions, broadcast; `zeros` of either too."""
    one, two = compact(first), compact(second)
    nothing = torch.zeros_like(one + two)
    stacked = torch.stack([(one + nothing).reshape(-1), (two + nothing).reshape(-1)])
    if not zeros:
        stacked = stacked[:, (stacked[0] > 0) & (stacked[1] > 0) & (stacked[0] != stacked[1])]
    if stacked.shape[1] <= 1:
        return stacked
    # one number a pair, because unique rows are found many times slower
    scale = int(stacked[1].max()) + 1
    coded = torch.unique(stacked[0] * scale + stacked[1])
    return torch.stack([coded // scale, coded % scale])


def _gathered(found: Sequence[Tensor]) -> Numbers:
    empty = torch.zeros((2, 0), dtype=torch.int64)
    array: Numbers = torch.cat([empty, *found], dim=1).numpy()
    return array


def _components(count: int, edges: Numbers) -> Numbers:
    """i64[count]: the least id of the component of each."""
    from scipy.sparse import coo_array, csgraph

    ones = np.ones(edges.shape[1], dtype=np.int8)
    _, labels = csgraph.connected_components(
        coo_array((ones, (edges[0], edges[1])), shape=(count, count)), directed=False
    )
    _, least = np.unique(labels, return_index=True)
    found: Numbers = least[labels].astype(np.int64)
    return found


def _agreed(roots: Numbers, starts: Numbers) -> npt.NDArray[np.bool_]:
    """Which runs of `roots` hold one class, which is not 0."""
    if not len(starts):
        return np.zeros(0, dtype=bool)
    low, high = np.minimum.reduceat(roots, starts), np.maximum.reduceat(roots, starts)
    found: npt.NDArray[np.bool_] = (low == high) & (low > 0)
    return found
