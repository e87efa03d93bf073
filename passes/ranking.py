"""The k smallest of many numbers, exactly, without sorting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sparsify.zeros import nonzero_count

Scope = Literal["weight", "row", "global", "normalised", "lamp", "erk"]
"""Who competes: the units of a weight or structure, those of one output, or all; all by
`normalised` or by `lamp` scores; or those of a weight again, whose share `erk` gives."""
JOINT = ("global", "normalised", "lamp")
"""Scopes in which all places are ranked together."""


def keep_largest(scores: Sequence[Tensor], sparsity: float) -> list[Tensor]:
    """Masks of 0 and 1 that zero exactly round(sparsity * n) of the n numbers in `scores`.

    The tensors are ranked together. Ties at the threshold go to zero in order of position, so that
    the count is exact and the result does not depend on how tensors are split.

    Args:
        scores: floating-point tensors of any shapes, without NaN.
        sparsity: the share to zero, 0 to 1.
    """
    count = round(sparsity * _count(scores))
    if count == 0:
        return [torch.ones_like(each) for each in scores]
    flat = [each.reshape(-1) for each in scores]
    threshold = _kth_smallest(flat, count)
    kept = [each > threshold for each in flat]
    staying = _count(flat) - count - sum(map(nonzero_count, kept))
    for each, mask in zip(reversed(flat), reversed(kept), strict=True):
        if not staying:
            break
        # so many numbers that equal the threshold stay, the last ones
        last = (each == threshold).nonzero().squeeze(1)[-staying:]
        mask[last] = True
        staying -= len(last)
    return [mask.to(each.dtype).view_as(each) for mask, each in zip(kept, scores, strict=True)]


def _count(tensors: Sequence[Tensor]) -> int:
    return sum(each.numel() for each in tensors)


def keep_largest_of_rows(scores: Tensor, sparsity: float) -> Tensor:
    """A mask like `keep_largest`'s for every row of `scores` apart, f[rows, ...]."""
    flat = scores.flatten(1)
    count = round(sparsity * flat.shape[1])
    smallest = flat.argsort(dim=1, stable=True)[:, :count]
    return torch.ones_like(flat).scatter_(1, smallest, 0).view_as(scores)


def rank(units: Sequence[Tensor], shares: Sequence[float], scope: Scope) -> list[Tensor]:
    """Masks of the units at each place; they compete in it, in each of its rows, or everywhere.

    Args:
        units: the scores at each place.
        shares: what each place gives up; where all compete, all the same.
        scope: who competes.
    """
    if not units:
        return []
    if scope in JOINT:
        return keep_largest([COMPARED[scope](each) for each in units], shares[0])
    if scope == "row":
        return [keep_largest_of_rows(a, share) for a, share in zip(units, shares, strict=True)]
    return [keep_largest([a], share)[0] for a, share in zip(units, shares, strict=True)]


def normalised(scores: Tensor) -> Tensor:
    """The scores over their l2 norm. Molchanov et al. 2016, arXiv:1611.06440, section 2.2."""
    found: Tensor = scores / scores[scores.isfinite()].norm()
    return found


def lamp(scores: Tensor) -> Tensor:
    """s^2 over the sum of all s^2 of the place that are no smaller: what leaves the least error
    for the share that stays. Lee et al. 2020, arXiv:2010.07611, equation 1.

    Args:
        scores: 0 or more, or infinite, which stays as it is; of equal ones the first counts as the
            smallest.
    """
    flat = scores.flatten().double()
    finite = flat.isfinite()
    ordered, places = flat[finite].square().sort(stable=True)
    above = ordered.flip(0).cumsum(0).flip(0)
    flat[finite] = torch.empty_like(ordered).scatter_(0, places, ordered / above)
    # zeros over zeros: in a place of nothing but zeros, all of them may go
    return flat.nan_to_num_(nan=0.0, posinf=torch.inf, neginf=-torch.inf).view_as(scores)


COMPARED: dict[str, Callable[[Tensor], Tensor]] = {
    "global": lambda scores: scores,
    "normalised": normalised,
    "lamp": lamp,
}
"""Joint scope -> how scores of different places are made comparable."""


def _kth_smallest(flat: Sequence[Tensor], k: int) -> Tensor:
    """The k-th smallest number (k from 1)."""
    low, high = _bracket(flat, k)
    below = sum(nonzero_count(each < low) for each in flat)
    inside = torch.cat([_marked(each, (each >= low) & (each <= high)) for each in flat])
    if not below < k <= below + inside.numel():
        # the sample misled; every number is a candidate
        below, inside = 0, torch.cat(list(flat))
    return inside.kthvalue(k - below).values


def _marked(numbers: Tensor, marks: Tensor) -> Tensor:
    """The `numbers`, f[n], where `marks`, b[n], are true."""
    if numbers.device.type != "cpu":
        return numbers[marks]
    # torch takes four times as long to find them
    return numbers[torch.from_numpy(np.flatnonzero(marks.numpy()))]


def stride_of(total: int) -> int:
    """Every how many numbers one is sampled: n^(2/3) are sorted, and about as many remain.

    It is odd, as the sides of matrices seldom are: a sample sees all of their columns.
    """
    return int(total ** (1 / 3)) | 1


def _bracket(flat: Sequence[Tensor], k: int) -> tuple[Tensor, Tensor]:
    """Two numbers between which the k-th smallest very probably lies, from an even sample."""
    total = _count(flat)
    stride = stride_of(total)
    offset, parts = 0, []
    for each in flat:
        parts.append(each[offset::stride])
        offset = (offset - each.numel()) % stride
    sample = torch.cat(parts).sort().values
    # four standard errors of a sample quantile, at most 2 / sqrt(sample)
    margin = 2 * sample.numel() ** 0.5 + 2
    place = (k - 1) / max(total - 1, 1) * (sample.numel() - 1)
    low = sample[max(0, int(place - margin))]
    high = sample[min(sample.numel() - 1, int(place + margin) + 1)]
    at_start, at_end = place - margin < 0, place + margin + 1 > sample.numel() - 1
    infinity = torch.full_like(low, torch.inf)
    return (-infinity if at_start else low), (infinity if at_end else high)
