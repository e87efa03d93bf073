"""Losses: how far is the student from the teacher? Two tensors in, a scalar out."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from sparsify.kinds import loss


@loss
def kl(
    student: Float[Tensor, "batch classes"],
    teacher: Float[Tensor, "batch classes"],
    *,
    temperature: Annotated[float, Field(gt=0)] = 2.0,
) -> Float[Tensor, ""]:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the batch.

    Hinton et al. 2015, arXiv:1503.02531, section 2; T^2 keeps the gradient's size independent of T.
    """
    divergence = F.kl_div(
        F.log_softmax(student / temperature, dim=-1),
        F.log_softmax(teacher / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    return divergence * temperature**2


@loss
def mse(student: Float[Tensor, "*shape"], teacher: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean squared difference; for regression. Romero et al. 2014, arXiv:1412.6550, equation 3."""
    return F.mse_loss(student, teacher)
