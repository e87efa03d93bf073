"""Which heads and neurons to remove, by the Fisher matrix of their masks, as pure functions.

Kwon et al. 2022, arXiv:2204.09656. With a mask m = 1 on every unit, and g its gradient at one
sample, removing the units Z raises the loss by the quadratic form of the empirical Fisher matrix,
the mean of g g^T, on the indicator of Z.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def search(
    importance: Float[Tensor, " units"], costs: Sequence[int], most: int
) -> Bool[Tensor, " units"]:
    """Which units stay, so that their costs are at most `most` and what goes weighs the least.

    With the diagonal of the Fisher matrix alone (section 4.1, algorithm 1) the loss is the sum of
    the importance of what goes. Of units of one cost the most important stay, so that with two
    costs, as of heads and neurons, trying every number of the first is exact. With more, units stay
    by importance over cost.

    Args:
        importance: the diagonal, 0 or more.
        costs: of each unit, such as multiply-accumulates, above 0.
        most: the sum of the costs of what stays.
    """
    ranked = {
        cost: _ordered(importance, [i for i, each in enumerate(costs) if each == cost])
        for cost in sorted(set(costs), reverse=True)
    }
    kept = torch.zeros(len(costs), dtype=torch.bool)
    if len(ranked) > 2:
        ratio = importance.double() / torch.tensor(costs, dtype=torch.float64)
        spent = 0
        for unit in ratio.argsort(descending=True, stable=True).tolist():
            if spent + costs[unit] <= most:
                kept[unit], spent = True, spent + costs[unit]
        return kept
    (dear, first), *rest = ranked.items()
    cheap, second = rest[0] if rest else (1, [])
    gains = [_sums(importance, units) for units in (first, second)]
    best = max(
        (gains[0][count] + gains[1][min(len(second), (most - count * dear) // cheap)], count)
        for count in range(min(len(first), most // dear) + 1)
    )[1]
    kept[first[:best]] = True
    kept[second[: (most - best * dear) // cheap]] = True
    return kept


def _ordered(importance: Tensor, units: list[int]) -> list[int]:
    """`units`, the most important first."""
    order = importance[units].argsort(descending=True, stable=True)
    return [units[place] for place in order.tolist()]


def _sums(importance: Tensor, units: list[int]) -> list[float]:
    """The importance of the first 0, 1, 2... of `units` together."""
    return [0.0, *importance[units].double().cumsum(0).tolist()]


def rearrange(
    kept: Bool[Tensor, " units"], gradients: Float[Tensor, "samples units"]
) -> Bool[Tensor, " units"]:
    """As many units of one layer stay, chosen by its whole block of the Fisher matrix.

    The loss is the sum over samples of the square of what the gradients of all removed units add up
    to (section 4.2). Starting from the least important units, every other one in turn joins them,
    and whichever then leaves the least behind stays instead; the loss never rises.

    Args:
        kept: how many stay, and which as the diagonal has it.
        gradients: of the masks at every sample.
    """
    order = gradients.square().sum(0).argsort(stable=True)
    count = int((~kept).sum())
    if count in (0, len(kept)):
        return kept
    removed, others = order[:count].clone(), order[count:]
    squares = gradients.square().sum(0)
    total = gradients[:, removed].sum(1)
    for unit in others:
        joined = torch.cat([removed, unit[None]])
        total += gradients[:, unit]
        # |total - g|^2 without |total|^2, which all of them share
        left = squares[joined] - 2 * (gradients[:, joined].T @ total)
        stays = int(left.argmin())
        total -= gradients[:, joined[stays]]
        removed = joined[torch.arange(count + 1) != stays]
    found = torch.ones_like(kept)
    found[removed] = False
    return found
