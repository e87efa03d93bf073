"""Criteria: how much does each weight matter? Higher scores are kept.

Each takes by name what it needs, `weight` or the `scores` that training has learned, and returns
scores of the weight's shape. Scores are only compared with one another, so their unit is free.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sparsify.kinds import criterion


@criterion
def magnitude(weight: Float[Tensor, "out *in"]) -> Float[Tensor, "out *in"]:
    """|w|. Han et al. 2015, arXiv:1506.02626, section 3."""
    return weight.abs()


@criterion
def movement(scores: Float[Tensor, "out *in"]) -> Float[Tensor, "out *in"]:
    """S, learned with dL/dS = dL/dW' * W for W' = W * mask. Sanh et al. 2020, arXiv:2005.07683.

    The gradient passes straight through the mask (section 4), so that pruned weights keep on
    being scored and may return.
    """
    return scores
