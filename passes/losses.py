"""Losses: how far is the student from the teacher? Two tensors in, a scalar out.

What is compared comes as rows: examples of logits, tokens of hidden states, queries of attention.
The last dimension is the one that classes, channels or keys lie along.
"""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from sparsify.kinds import loss

Temperature = Annotated[float, Field(gt=0)]


@loss
def kl(
    student: Float[Tensor, "*rows classes"],
    teacher: Float[Tensor, "*rows classes"],
    *,
    temperature: Temperature = 2.0,
) -> Float[Tensor, ""]:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the rows.

    Hinton et al. 2015, arXiv:1503.02531, section 2; T^2 keeps the gradient's size independent of T.
    """
    divergence = F.kl_div(
        F.log_softmax(student.flatten(0, -2) / temperature, dim=-1),
        F.log_softmax(teacher.flatten(0, -2) / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    return divergence * temperature**2


@loss
def soft_cross_entropy(
    student: Float[Tensor, "*rows classes"],
    teacher: Float[Tensor, "*rows classes"],
    *,
    temperature: Temperature = 1.0,
) -> Float[Tensor, ""]:
    """-softmax(teacher / T) . log softmax(student / T), mean over rows *and* classes.

    As the programs of TinyBERT (Jiao et al. 2019, arXiv:1909.10351, equation 10) and SparseBERT
    compute it: for C classes the gradient is that of `kl`, divided by C and T^2.
    """
    wanted = F.softmax(teacher / temperature, dim=-1)
    return -(wanted * F.log_softmax(student / temperature, dim=-1)).mean()


@loss
def mse(student: Float[Tensor, "*shape"], teacher: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean squared difference. Romero et al. 2014, arXiv:1412.6550, equation 3."""
    return F.mse_loss(student, teacher)


@loss
def normalized_mse(
    student: Float[Tensor, "*shape"], teacher: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """MSE(student, teacher) / MSE(teacher, 0), so that layers of any scale weigh the same.

    SquareHead: Kurtic et al. 2023, arXiv:2310.06927.
    """
    return F.mse_loss(student, teacher) / teacher.square().mean()


@loss
def cosine(
    student: Float[Tensor, "*rows width"], teacher: Float[Tensor, "*rows width"]
) -> Float[Tensor, ""]:
    """1 - cos(student, teacher), mean over the rows. Sanh et al. 2019, arXiv:1910.01108."""
    return 1 - F.cosine_similarity(student, teacher, dim=-1).mean()
