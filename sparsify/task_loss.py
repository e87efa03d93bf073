"""The task's own loss: what training minimises and what calibration differentiates."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def task_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy for classes (labels i64[B]), mean squared error for numbers (f32[B])."""
    with torch.autocast(logits.device.type, enabled=False):
        if labels.is_floating_point():
            return F.mse_loss(logits.float().squeeze(-1), labels)
        return F.cross_entropy(logits.float(), labels)
