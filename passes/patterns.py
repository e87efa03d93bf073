"""Patterns: which weights may be zero together? Scores of weights in, scores of units out.

A unit covers a whole number of weights along every dimension; a weight is kept with its unit.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sparsify.kinds import pattern


@pattern
def element(scores: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Every weight for itself: unstructured sparsity."""
    return scores
