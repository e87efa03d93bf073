"""The task's own loss: what training minimises and what calibration differentiates."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NO_LABEL = -100
"""What stands for a token without a label."""


def task_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy for classes, mean squared error for numbers.

    Args:
        logits: f[B, classes]; f[B, 2, S] of starts and ends; f[B, S, classes] of tokens.
        labels: i64[B], or f32[B] of a regression; i64[B, 2]; i64[B, S], -100 where there is none.
    """
    with torch.autocast(logits.device.type, enabled=False):
        if labels.is_floating_point():
            return F.mse_loss(logits.float().squeeze(-1), labels)
        return F.cross_entropy(logits.float().flatten(0, -2), labels.flatten())
