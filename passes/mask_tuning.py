"""Scale what is left of each layer, so that its result comes nearest to what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsify.program import Program
from sparsify.statistics import Pair, pairs

WIDEST = 10.0
"""Factors beyond it are not used, as by Kwon et al., section 5.1: the system is ill-posed."""
DAMPING = 1e-3
"""What holds factors at 1, as a share of the mean diagonal of the normal equations."""


def tune(
    program: Program, owners: Mapping[str, Tensor], dead: Mapping[str, Tensor]
) -> Iterator[tuple[str, float]]:
    """Scale the units that stay, layer by layer: Kwon et al. 2022, arXiv:2204.09656, section 4.3.

    Each layer's factors are the least squares for the residual stream behind it, on what the
    layers before it hand on by now.

    Args:
        program: its weights are written.
        owners: for each weight that reads units, i64[in]: which unit a channel is of; -1: of none.
        dead: for each of them, b8[in]: channels of units that go.

    Yields:
        The weight that was done, and the largest factor by size; above `WIDEST` none was used.
    """
    for pair in pairs(program, owners.keys()):
        weight = program.tensor(pair.weight)
        mask = program.masks().get(pair.weight)
        matrix = (weight if mask is None else weight * mask).detach().movedim(pair.axis, 1).float()
        kept = (~dead[pair.weight]).to(matrix)
        owner = torch.where(dead[pair.weight], -1, owners[pair.weight])
        change = _change(pair, matrix, kept, owner)
        largest = float((1 + change).abs().max())
        factors = kept if largest > WIDEST else kept * (1 + change)
        with torch.no_grad():
            weight.movedim(pair.axis, 1).mul_(factors.to(weight))
        yield pair.weight, largest


def _change(pair: Pair, matrix: Tensor, kept: Tensor, owner: Tensor) -> Tensor:
    """f32[in]: by how much each channel's factor differs from 1."""
    scaled = (owner >= 0).nonzero().squeeze(1)
    # what nobody scales takes no part in the normal equations
    columns = matrix[:, scaled]
    gram = torch.zeros(len(scaled), len(scaled), device=matrix.device)
    forces = torch.zeros(len(scaled), device=matrix.device)
    for was, now, missing in pair.rows:
        wanted = torch.addcmul(was, now, kept, value=-1) @ matrix.T
        if missing is not None:
            wanted += missing
        own = now[:, scaled]
        gram.addmm_(own.T, own)
        forces += (wanted @ columns).mul_(own).sum(0)
    gram *= columns.T @ columns
    return torch.zeros_like(kept).index_copy_(0, scaled, solve(gram, forces, owner[scaled]))


def solve(
    gram: Float[Tensor, "in in"],
    forces: Float[Tensor, " in"],
    owner: Int[Tensor, " in"],
    damping: float = DAMPING,
) -> Float[Tensor, " in"]:
    """The least squares for one number a unit, spread over its channels.

    Args:
        gram: A^T A for one factor a channel: of the inputs, times that of the weight's columns.
        forces: A^T b, where b is what is missing.
        owner: the unit of each channel; -1: it has none, and its number is zero.
        damping: what holds the numbers at zero, as a share of the mean diagonal.
    """
    mine = owner >= 0
    units, places = torch.unique(owner[mine], return_inverse=True)
    if not len(units):
        return torch.zeros_like(forces)
    count = len(units)
    normal = _added(gram if bool(mine.all()) else gram[mine][:, mine], places, count).double()
    right = forces.new_zeros(count).index_add_(0, places, forces[mine]).double()
    scale = normal.diagonal().mean()
    normal.diagonal().add_(damping * scale if scale > 0 else 1.0)
    found = torch.zeros_like(forces)
    found[mine] = torch.linalg.solve(normal, right).to(forces)[places]
    return found


def _added(gram: Tensor, places: Tensor, count: int) -> Tensor:
    """`gram` with the rows, and the columns, of each of `count` places added up."""
    if torch.equal(places, torch.arange(count, device=places.device)):
        return gram
    rows = gram.new_zeros(count, len(places)).index_add_(0, places, gram)
    return gram.new_zeros(count, count).index_add_(1, places, rows)
