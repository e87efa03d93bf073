"""Criteria equal their formulas in float64, and give scores of the weight's shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor

from sparsify.kinds import criterion

WEIGHT = torch.tensor([[1.0, -3.0, 0.0], [2.0, -0.5, 4.0]])
SCORES = torch.tensor([[-1.0, 5.0, 0.0], [2.0, 3.0, -4.0]])
GIVEN: dict[str, Any] = {
    "weight": WEIGHT,
    "name": "inner.weight",
    "scores": SCORES,
    "gradient": SCORES,
    "input_norm": torch.tensor([[1.0, 2.0, 3.0]]),
}


def numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_magnitude_is_the_absolute_weight() -> None:
    chosen = criterion.choose("magnitude")
    assert chosen.needs == ("weight",)
    assert torch.equal(chosen(weight=WEIGHT, scores=None), WEIGHT.abs())


def test_movement_is_what_was_learned_sign_and_all() -> None:
    chosen = criterion.choose("movement")
    assert chosen.needs == ("scores",)
    assert torch.equal(chosen(weight=WEIGHT, scores=SCORES), SCORES)


@pytest.mark.parametrize("name", sorted(criterion.members.keys() - {"first-order"}))
def test_scores_have_the_shape_of_the_weight(name: str) -> None:
    assert criterion.choose(name)(**GIVEN).shape == WEIGHT.shape


def test_random_is_uniform_and_fixed_by_the_seed_and_the_name() -> None:
    weight = torch.zeros(100, 200)
    draw = criterion.choose("random", seed=1)
    found = draw(weight=weight, name="a")
    assert stats.kstest(found.flatten().numpy(), "uniform").pvalue > 0.01
    assert torch.equal(found, draw(weight=weight, name="a"))
    for other in (
        draw(weight=weight, name="b"),
        criterion.choose("random")(weight=weight, name="a"),
    ):
        correlation = np.corrcoef(found.flatten().numpy(), other.flatten().numpy())[0, 1]
        assert abs(correlation) < 0.03


def test_taylor_is_how_much_the_loss_changes_without_a_weight_to_first_order() -> None:
    weight, inputs = numbers(0, 3, 5).double(), numbers(1, 7, 5).double()
    classes = torch.tensor([0, 1, 2, 0, 1, 2, 0])

    def loss(w: Tensor) -> Tensor:
        return F.cross_entropy(inputs @ w.T, classes)

    own = weight.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(own), [own])
    found = criterion.choose("taylor")(weight=weight.float(), gradient=gradient.float())
    step = 1e-6
    for row in range(3):
        for column in range(5):
            smaller = weight.clone()
            smaller[row, column] *= 1 - step
            change = float(loss(smaller) - loss(weight)) / step
            assert float(found[row, column]) == pytest.approx(abs(change), abs=1e-5)


def test_wanda_is_the_weight_times_the_norm_of_its_input() -> None:
    weight, inputs = numbers(0, 4, 6), numbers(1, 50, 6)
    w, x = weight.double().numpy(), inputs.double().numpy()
    expected = np.array(
        [[abs(w[i, j]) * np.sqrt(sum(x[:, j] ** 2)) for j in range(6)] for i in range(4)]
    )
    norm = inputs.norm(dim=0)
    found = criterion.choose("wanda")(weight=weight, input_norm=norm[None])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    turned = criterion.choose("wanda")(weight=weight.T, input_norm=norm[:, None])
    np.testing.assert_allclose(turned.numpy(), expected.T, rtol=1e-5)


def test_wanda_removes_what_changes_one_output_least_when_inputs_are_uncorrelated() -> None:
    """Brute force: for X^T X diagonal, the cheapest weight of each row to remove."""
    scale = torch.tensor([4.0, 0.1, 1.0, 2.0])
    inputs, weight = torch.eye(4) * scale, numbers(3, 5, 4)
    found = criterion.choose("wanda")(weight=weight, input_norm=inputs.norm(dim=0)[None])
    for row in range(5):
        costs = []
        for column in range(4):
            without = weight[row].clone()
            without[column] = 0
            costs.append(float((inputs @ (weight[row] - without)).norm()))
        assert int(found[row].argmin()) == int(np.argmin(costs))


def test_first_order_is_the_mean_size_of_the_masks_gradients() -> None:
    gradients = numbers(0, 9, 4)
    expected = np.abs(gradients.double().numpy()).sum(axis=0) / 9
    found = criterion.choose("first-order")(unit_gradients=gradients)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
