"""The channel ids that stand at the positions of a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Labels:
    """Arrays of ids, each of the value's own shape; 0 where no channel stands.

    A value that is computed has one array at most. One that is stored or made from literals has one
    for each of its axes: row 3 and column 5 of a weight can be removed apart. An array is expanded
    along the dimensions that it does not vary on, so that a weight costs no more than its axes.
    """

    layers: tuple[Tensor, ...] = ()
    stored: bool = False

    def each(self, change: Callable[[Tensor], Tensor]) -> Labels:
        """These ids after a movement of positions."""
        return Labels(tuple(change(layer) for layer in self.layers), self.stored)


NONE = Labels()


def varies(layer: Tensor, dim: int) -> bool:
    """Whether the ids differ along `dim`."""
    if layer.shape[dim] <= 1 or layer.stride(dim) == 0:
        return False
    return not bool((layer == layer.narrow(dim, 0, 1)).all())


def varying(layer: Tensor) -> tuple[int, ...]:
    """The dimensions along which the ids differ."""
    return tuple(dim for dim in range(layer.ndim) if varies(layer, dim))


def along(ids: Tensor, axis: int, shape: tuple[int, ...]) -> Tensor:
    """`ids` laid along one axis of `shape`, expanded along the others."""
    placed = ids.view([-1 if dim == axis else 1 for dim in range(len(shape))])
    return placed.expand(shape)


def first_row(layer: Tensor, dim: int, size: int) -> Tensor:
    """The ids at position 0 of `dim`, expanded to `size` positions."""
    return layer.narrow(dim, 0, 1).expand(*layer.shape[:dim], size, *layer.shape[dim + 1 :])


def preferred(first: Tensor, second: Tensor) -> Tensor:
    """The first ids, and the second where the first are none; broadcast."""
    if second.numel() == 0 or bool((first > 0).all()):
        return (first + torch.zeros_like(second)) if first.shape != second.shape else first
    return torch.where(first > 0, first, second)
