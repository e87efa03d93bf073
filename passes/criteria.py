"""Criteria: how much does each weight matter? Higher scores are kept.

Each takes by name what it needs: `weight`, its `name`, the `scores` that training has learned, or
what calibration measures: the mean `gradient` of the task's loss, the l2 norm of each input
(`input_norm`), and, for criteria of whole units, `unit_gradients`. It returns scores of the
weight's shape, or of the units. Scores are only compared with one another, so their unit is free.
"""

from __future__ import annotations

import zlib

import torch
from jaxtyping import Float
from torch import Tensor

from sparsify.kinds import criterion


@criterion
def random(
    weight: Float[Tensor, "out *in"], name: str, *, seed: int = 0
) -> Float[Tensor, "out *in"]:
    """Uniform in [0, 1), fixed by `seed` and the weight's name: the floor of every comparison.

    Liu et al. 2022, arXiv:2202.02643, on how far it carries.
    """
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
    return torch.rand(weight.shape, generator=generator).to(weight)


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


@criterion
def taylor(
    weight: Float[Tensor, "out *in"], gradient: Float[Tensor, "out *in"]
) -> Float[Tensor, "out *in"]:
    """|w * dL/dw|: how much the loss changes without w, to first order.

    Molchanov et al. 2016, arXiv:1611.06440, section 2.2, for one weight. The gradient of a weight
    whose mask is zero is zero, so that what was pruned stays pruned.
    """
    return (weight * gradient).abs()


@criterion
def wanda(
    weight: Float[Tensor, "out in"], input_norm: Float[Tensor, "#out #in"]
) -> Float[Tensor, "out in"]:
    """|w_ij| * ||x_j||_2. Sun et al. 2023, arXiv:2306.11695, equation 1.

    The norm is over all tokens of the calibration samples. The paper compares the weights of one
    output with one another: `scope: row`.
    """
    return weight.abs() * input_norm


@criterion
def first_order(unit_gradients: Float[Tensor, "samples units"]) -> Float[Tensor, " units"]:
    """Mean over samples of |dL/dm|, for a mask m = 1 on what a head or a neuron hands on.

    Michel et al. 2019, arXiv:1905.10650, equation 2; the criterion of CAP-f, arXiv:2112.07198.
    """
    return unit_gradients.abs().mean(0)
