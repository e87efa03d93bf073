"""The contrastive loss of CAP, as a pure function."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

Normalizer = Literal["equation", "code"]


def info_nce(
    anchors: Float[Tensor, "batch width"],
    candidates: Float[Tensor, "candidates width"],
    positives: Bool[Tensor, "batch candidates"],
    excluded: Bool[Tensor, "batch candidates"],
    *,
    temperature: float,
    normalizer: Normalizer,
) -> Float[Tensor, ""]:
    """-sum over positives of log p, averaged over positives and anchors. arXiv:2112.07198, eq. 1.

    p_ik is the softmax over the candidates, without the excluded ones, of z_i . c_k / temperature,
    for L2-normalised anchors z and candidates c. Anchors without a positive add nothing.

    `equation` averages over the anchors that have positives. `code` divides by the number of all
    positive pairs instead, as the authors' program does: with P positives for each anchor the loss
    is P times smaller, about 2,000 times for the supervised term of two classes and 4,096 extras.
    """
    scores = (anchors @ candidates.T / temperature).masked_fill(excluded, -torch.inf)
    log_p = F.log_softmax(scores, dim=-1).masked_fill(~positives, 0.0)
    pairs = positives.sum(dim=-1)
    per_anchor = log_p.sum(dim=-1) / pairs.clamp(min=1)
    count = pairs.sum() if normalizer == "code" else (pairs > 0).sum()
    return -per_anchor.sum() / count.clamp(min=1)
