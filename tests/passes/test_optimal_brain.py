"""Surgery on small cases equals brute force, and the papers' formulas with explicit inverses."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor

from passes.optimal_brain import BlockFisher, prune_columns
from sparsify.kinds import pattern

Matrix = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
TOLERANCE = 1e-4
DAMPING = 0.01


def numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def correlated(seed: int, rows: int, width: int) -> Tensor:
    return numbers(seed, rows, width) @ (torch.eye(width) + 0.4 * numbers(seed + 1, width, width))


def damped(gram: Tensor) -> Matrix:
    found = gram.double().numpy()
    return np.asarray(found + DAMPING * np.diag(found).mean() * np.eye(len(found)))


def by_suffixes(weight: Tensor, gram: Tensor, sparsity: float, block: int) -> Matrix:
    """SparseGPT's update as it is written down: the inverse Hessian of every suffix of columns."""
    found, hessian = weight.double().numpy().copy(), damped(gram)
    out, width = found.shape
    inverses = [np.linalg.inv(hessian[j:, j:]) for j in range(width)]
    for start in range(0, width, block):
        columns = range(start, min(start + block, width))
        errors = np.stack([found[:, j] ** 2 / inverses[j][0, 0] for j in columns], axis=1)
        gone = np.zeros(errors.size, dtype=bool)
        gone[np.argsort(errors, axis=None)[: round(sparsity * errors.size)]] = True
        gone = gone.reshape(errors.shape)
        for place, j in enumerate(columns):
            for row in range(out):
                if gone[row, place]:
                    found[row, j:] -= found[row, j] / inverses[j][0, 0] * inverses[j][0]
    return found


@pytest.mark.parametrize("block", [4, 5, 12, 99])
@pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.75])
def test_columns_move_as_the_suffix_hessians_say(block: int, sparsity: float) -> None:
    weight, inputs = numbers(0, 8, 12), correlated(1, 40, 12)
    gram = inputs.T @ inputs
    found, mask = prune_columns(
        weight,
        gram,
        sparsity=sparsity,
        pattern=pattern.choose("element"),
        block=block,
        damping=DAMPING,
    )
    expected = by_suffixes(weight, gram, sparsity, block)
    np.testing.assert_allclose(found.double().numpy(), expected, atol=TOLERANCE)
    assert torch.equal(found == 0, mask == 0)


def test_the_last_weights_are_the_best_that_there_are() -> None:
    """Two columns, the first pruned: what is left must be the least-squares solution."""
    inputs = correlated(5, 30, 2)
    weight = torch.tensor([[0.01, 1.0], [0.02, -3.0], [0.03, 2.0]])
    found, mask = prune_columns(
        weight,
        inputs.T @ inputs,
        sparsity=0.5,
        pattern=pattern.choose("element"),
        block=2,
        damping=1e-9,
    )
    assert mask.tolist() == [[0.0, 1.0]] * 3
    x, target = inputs.double().numpy(), (inputs @ weight.T).double().numpy()
    best, *_ = np.linalg.lstsq(x[:, 1:], target, rcond=None)
    np.testing.assert_allclose(found[:, 1].double().numpy(), best[0], rtol=TOLERANCE)


def test_two_of_four_with_blocks_of_four_follows_the_weights_as_they_move() -> None:
    weight, inputs = numbers(0, 6, 16), correlated(1, 60, 16)
    found, mask = prune_columns(
        weight,
        inputs.T @ inputs,
        sparsity=0.5,
        pattern=pattern.choose("n-of-m"),
        block=4,
        damping=DAMPING,
    )
    assert torch.equal(mask.unflatten(1, (-1, 4)).sum(2), torch.full((6, 4), 2.0))
    assert torch.equal(found == 0, mask == 0)
    plain = weight * (pattern.choose("n-of-m")(scores=weight.abs()).isinf())
    assert distance(found, weight, inputs) < 0.8 * distance(plain, weight, inputs)


def distance(found: Tensor, weight: Tensor, inputs: Tensor) -> float:
    return float(((found - weight) @ inputs.T).square().sum())


def test_outputs_stay_nearer_than_without_correction() -> None:
    weight, inputs = numbers(2, 32, 64), correlated(3, 500, 64)
    found, mask = prune_columns(
        weight,
        inputs.T @ inputs,
        sparsity=0.5,
        pattern=pattern.choose("element"),
        block=16,
        damping=DAMPING,
    )
    assert distance(found, weight, inputs) < 0.6 * distance(weight * mask, weight, inputs)
    again, same = prune_columns(
        found,
        inputs.T @ inputs,
        sparsity=0.5,
        pattern=pattern.choose("element"),
        block=16,
        damping=DAMPING,
    )
    assert torch.equal(again, found)
    assert torch.equal(same, mask)


def test_an_input_that_is_always_zero_loses_its_weights() -> None:
    inputs = correlated(1, 40, 6)
    inputs[:, 2] = 0
    found, mask = prune_columns(
        numbers(0, 4, 6),
        inputs.T @ inputs,
        sparsity=0.5,
        pattern=pattern.choose("element"),
        block=6,
        damping=DAMPING,
    )
    assert not found[:, 2].any()
    assert torch.isfinite(found).all()
    assert int((mask == 0).sum()) == 12


def fisher(gradients: Tensor, *, block: int, damping: float = 0.1) -> tuple[BlockFisher, Matrix]:
    """The inverse made gradient by gradient, and the inverse of the matrix itself."""
    found = BlockFisher(gradients[0], len(gradients), block=block, damping=damping)
    for gradient in gradients:
        found.add(gradient)
    flat = gradients.flatten(1).double().numpy()
    whole = damping * np.eye(flat.shape[1]) + flat.T @ flat / len(flat)
    owner = np.arange(flat.shape[1]) // block
    return found, np.linalg.inv(np.where(owner[:, None] == owner[None, :], whole, 0))


@pytest.mark.parametrize("block", [1, 4, 5, 50])
def test_the_streamed_inverse_is_the_inverse_of_each_block(block: int) -> None:
    found, expected = fisher(numbers(0, 20, 3, 4), block=block)
    for number, inverse in enumerate(found.inverse):
        part = slice(number * block, min(number * block + block, 12))
        size = part.stop - part.start
        np.testing.assert_allclose(
            inverse[:size, :size].numpy(), expected[part, part], atol=TOLERANCE
        )


def rise(change: Matrix, hessian: Matrix) -> float:
    return float(change @ hessian @ change / 2)


def best_change(weight: Matrix, hessian: Matrix, gone: tuple[int, ...]) -> Matrix:
    """The least d^T H d / 2 with d = -w on `gone`: the free ones solve a linear system."""
    change = np.zeros_like(weight)
    pruned, free = list(gone), [i for i in range(len(weight)) if i not in gone]
    change[pruned] = -weight[pruned]
    if free:
        right = hessian[np.ix_(free, pruned)] @ weight[pruned]
        change[free] = np.linalg.solve(hessian[np.ix_(free, free)], right)
    return change


def test_the_salience_of_six_weights_is_how_much_the_loss_rises_at_best() -> None:
    weight = numbers(1, 2, 3)
    found, inverse = fisher(numbers(2, 9, 2, 3), block=6)
    hessian, flat = np.linalg.inv(inverse), weight.flatten().double().numpy()
    expected = [rise(best_change(flat, hessian, (i,)), hessian) for i in range(6)]
    np.testing.assert_allclose(found.salience(weight).flatten().numpy(), expected, rtol=1e-3)


@pytest.mark.parametrize("count", range(7))
def test_whatever_is_pruned_of_six_weights_the_others_are_the_best_there_are(count: int) -> None:
    weight = numbers(3, 2, 3)
    found, inverse = fisher(numbers(4, 9, 2, 3), block=6)
    hessian, flat = np.linalg.inv(inverse), weight.flatten().double().numpy()
    for gone in combinations(range(6), count):
        mask = torch.ones(6)
        mask[list(gone)] = 0
        pruned = found.prune(weight, mask.view(2, 3)).flatten()
        expected = flat + best_change(flat, hessian, gone)
        np.testing.assert_allclose(pruned.double().numpy(), expected, atol=1e-3)
        assert not pruned[list(gone)].any()


def test_blocks_do_not_touch_each_other() -> None:
    weight = numbers(5, 4, 5)
    found, _ = fisher(numbers(6, 9, 4, 5), block=5)
    mask = torch.ones(4, 5)
    mask[1, 2] = 0
    pruned = found.prune(weight, mask)
    assert torch.equal(pruned[[0, 2, 3]], weight[[0, 2, 3]])
    assert not torch.equal(pruned[1], weight[1])
