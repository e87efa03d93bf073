"""Optimal brain surgery: remove weights, and let the others make up for it, as pure functions."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from passes.ranking import keep_largest
from sparsify.kinds import Chosen


def prune_columns(
    weight: Float[Tensor, "out in"],
    gram: Float[Tensor, "in in"],
    *,
    sparsity: float,
    pattern: Chosen,
    block: int,
    damping: float,
) -> tuple[Float[Tensor, "out in"], Float[Tensor, "out in"]]:
    """SparseGPT: the pruned weight and its mask. Frantar and Alistarh 2023, arXiv:2301.00774.

    Columns are visited from left to right. Where w_j is pruned, the columns to its right move by
    -w_j / [U^-1]_jj * [U^-1]_j: (section 3), with U^-1 the inverse Hessian of columns j and on,
    whose rows are those of the Cholesky factor of H^-1. What is pruned is chosen for
    `block` columns at once, by w^2 / [U^-1]_jj^2 as the columns before them have left them.

    Args:
        weight: W.
        gram: X^T X of the inputs, where one that is always zero has its weights removed.
        sparsity: the share to zero in each block of columns.
        pattern: which weights of a block are zeroed together, rows and columns as of `weight`.
        block: how many columns share a choice; a multiple of the pattern's size along the input.
        damping: what is added to the diagonal of H, as a share of its mean.
    """
    weight = weight.clone()
    dead = gram.diagonal() == 0
    weight[:, dead] = 0
    factor = _inverse_factor(gram, dead, damping)
    mask = torch.empty_like(weight)
    for start in range(0, weight.shape[1], block):
        part = slice(start, min(start + block, weight.shape[1]))
        own = factor[part, part]
        salience = (weight[:, part] / own.diagonal()).square()
        mask[:, part] = _kept(salience, sparsity, pattern)
        errors = _prune_block(weight[:, part], mask[:, part], own)
        weight[:, part.stop :] -= errors @ factor[part, part.stop :]
    return weight, mask


def _inverse_factor(gram: Tensor, dead: Tensor, damping: float) -> Tensor:
    """The upper Cholesky factor of the inverse of the damped Hessian."""
    # one name for all of them: of a wide input each is as large as the weight
    matrix = gram.clone()
    matrix.diagonal()[dead] = 1
    matrix.diagonal().add_(damping * matrix.diagonal().mean())
    matrix = torch.linalg.cholesky(matrix)
    matrix = torch.cholesky_inverse(matrix)
    found: Tensor = torch.linalg.cholesky(matrix, upper=True)
    return found


def _prune_block(weight: Tensor, mask: Tensor, factor: Tensor) -> Tensor:
    """Prune the columns of `weight` in place; what the columns to the right must make up for."""
    errors = torch.zeros_like(weight)
    for column in range(weight.shape[1]):
        gone = weight[:, column] * (1 - mask[:, column])
        errors[:, column] = gone / factor[column, column]
        weight[:, column:] -= torch.outer(errors[:, column], factor[column, column:])
        # exactly, not to rounding
        weight[:, column] *= mask[:, column]
    return errors


def _kept(salience: Tensor, sparsity: float, pattern: Chosen) -> Tensor:
    """The mask of `salience`'s shape that keeps the units of the largest scores."""
    (kept,) = keep_largest([pattern(scores=salience)], sparsity)
    for axis, (size, count) in enumerate(zip(salience.shape, kept.shape, strict=True)):
        kept = kept.repeat_interleave(size // count, axis)
    return kept


class BlockFisher:
    """The inverse of a block-diagonal empirical Fisher matrix, from one gradient after another.

    F = damping * I + 1/m sum over the m gradients of g g^T, in blocks of consecutive weights; each
    gradient changes F^-1 by the Sherman-Morrison formula. WoodFisher: Singh and Alistarh 2020,
    arXiv:2004.14340; oBERT: Kurtic et al. 2022, arXiv:2203.07259, section 3.
    """

    def __init__(self, weight: Tensor, gradients: int, *, block: int, damping: float) -> None:
        self.shape, self.gradients, self.block = weight.shape, gradients, block
        eye = torch.eye(block, device=weight.device) / damping
        self.inverse = eye.repeat(-(-weight.numel() // block), 1, 1)
        """f32[blocks, block, block]; the last block may be longer than the weight."""

    def add(self, gradient: Tensor) -> None:
        """Take in one of the gradients, of the weight's shape."""
        blocks = self._blocks(gradient)
        change = torch.einsum("nij,nj->ni", self.inverse, blocks)
        change /= (self.gradients + (blocks * change).sum(1, keepdim=True)).sqrt()
        self.inverse.baddbmm_(change.unsqueeze(2), change.unsqueeze(1), alpha=-1)

    def salience(self, weight: Tensor) -> Tensor:
        """w^2 / (2 [F^-1]_ww): how much the loss rises without w, when the others make up for it.

        LeCun et al. 1989 and Hassibi et al. 1993; arXiv:2203.07259, section 3, for one weight.
        """
        diagonal = self.inverse.diagonal(dim1=1, dim2=2).flatten()[: weight.numel()]
        return weight.square() / (2 * diagonal.view(self.shape))

    def prune(self, weight: Tensor, mask: Tensor) -> Tensor:
        """The best weights that are zero where `mask` is, to second order.

        For the pruned weights Q of a block: w - F^-1[:, Q] (F^-1[Q, Q])^-1 w_Q; arXiv:2203.07259,
        section 3. All of Q are removed at once, not each as if it were alone.
        """
        values, gone = self._blocks(weight), self._blocks(1 - mask)
        inner = self.inverse * gone.unsqueeze(2) * gone.unsqueeze(1)
        # one on the diagonal of what stays, so that every block has the same size and an inverse
        inner.diagonal(dim1=1, dim2=2).add_(1 - gone)
        forces = torch.linalg.solve(inner, values * gone)
        moved = values - torch.einsum("nij,nj->ni", self.inverse, forces)
        return moved.flatten()[: weight.numel()].view(self.shape) * mask

    def _blocks(self, values: Tensor) -> Tensor:
        flat = values.flatten()
        missing = len(self.inverse) * self.block - flat.numel()
        return torch.nn.functional.pad(flat, (0, missing)).view(-1, self.block)
