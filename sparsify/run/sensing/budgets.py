"""How sparse each weight shall be, so that all together are, and the outputs move least."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sparsify.errors import Problem
from sparsify.run.sensing.facts import Curve

Corner = tuple[float, float]
"""A sparsity, and the divergence there."""


def give(curves: Sequence[Curve], sparsity: float) -> list[float]:
    """The sparsity of each curve, in order: the least sum of divergences for `sparsity` of all.

    Divergences of different weights are taken to add up, as by Cai et al. 2020, arXiv:2001.00281,
    section 3.2. Of each curve the largest convex one below it is used, through zero; then the
    cheapest steps of all curves, by divergence over weights, are optimal.

    Raises:
        Problem: more was asked for than was measured.
    """
    largest = min(curve.points[-1].sparsity for curve in curves)
    if sparsity > largest:
        raise Problem(
            f"{sparsity:.1%} is more than the {largest:.1%} that was measured",
            where="--sparsity",
            hint="add a larger one to --sparsities",
        )
    steps = []
    for number, curve in enumerate(curves):
        corners = hull([(0.0, 0.0), *((each.sparsity, each.divergence) for each in curve.points)])
        for (low, before), (high, after) in pairwise(corners):
            price = (after - before) / ((high - low) * max(curve.weights, 1))
            steps.append((price, number, low, high))
    given = [0.0] * len(curves)
    left = sparsity * sum(curve.weights for curve in curves)
    for _, number, low, high in sorted(steps):
        size = curves[number].weights
        taken = min((high - low) * size, left)
        given[number] += taken / max(size, 1)
        left -= taken
    return given


def hull(points: Sequence[Corner]) -> list[Corner]:
    """The corners of the largest convex function below `points`, which ascend."""
    found: list[Corner] = []
    for point in points:
        while len(found) > 1 and _slope(found[-2], found[-1]) >= _slope(found[-1], point):
            found.pop()
        found.append(point)
    return found


def _slope(first: Corner, second: Corner) -> float:
    return (second[1] - first[1]) / (second[0] - first[0])
