"""The search against brute force, the rearrangement and the scaling against numpy in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from passes.mask_search import rearrange, search
from passes.mask_tuning import solve

SEEDS = range(6)


def best_by_trying(importance: np.ndarray, costs: list[int], most: int) -> float:
    """The largest importance that any choice of units within `most` keeps."""
    found = 0.0
    for kept in itertools.product([False, True], repeat=len(costs)):
        chosen = np.array(kept)
        if np.array(costs)[chosen].sum() <= most:
            found = max(found, float(importance[chosen].sum()))
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("costs", [[3] * 8, [7, 7, 7, 2, 2, 2, 2, 2], [1, 5, 1, 5, 1, 5, 1, 5]])
def test_no_other_choice_of_eight_units_keeps_more(seed: int, costs: list[int]) -> None:
    importance = np.random.default_rng(seed).exponential(size=8)
    for share in (0.0, 0.3, 0.5, 0.8, 1.0):
        most = round(share * sum(costs))
        kept = search(torch.from_numpy(importance), costs, most).numpy()
        assert np.array(costs)[kept].sum() <= most
        expected = best_by_trying(importance, costs, most)
        assert importance[kept].sum() == pytest.approx(expected, rel=1e-12)


def test_with_three_costs_units_stay_by_importance_over_cost() -> None:
    importance = torch.tensor([4.0, 9.0, 1.0, 8.0])
    assert search(importance, [1, 3, 1, 4], 5).tolist() == [True, True, True, False]


def fisher(gradients: np.ndarray) -> np.ndarray:
    """The empirical Fisher matrix, f64[units, units]."""
    return np.einsum("si,sj->ij", gradients, gradients) / len(gradients)


def rise(kept: np.ndarray, gradients: np.ndarray) -> float:
    gone = 1.0 - kept
    return float(gone @ fisher(gradients) @ gone)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rearrangement_keeps_the_count_and_never_raises_the_loss(seed: int) -> None:
    random = np.random.default_rng(seed)
    gradients = random.normal(size=(5, 8)) @ random.normal(size=(8, 8))
    diagonal = np.diag(fisher(gradients))
    for count in range(9):
        kept = torch.zeros(8, dtype=torch.bool)
        kept[np.argsort(-diagonal)[:count].copy()] = True
        found = rearrange(kept, torch.from_numpy(gradients)).numpy()
        assert found.sum() == count
        before, after = rise(kept.numpy(), gradients), rise(found, gradients)
        assert after <= before * (1 + 1e-12)
        least = min(
            rise(np.isin(np.arange(8), chosen).astype(float), gradients)
            for chosen in itertools.combinations(range(8), count)
        )
        assert after >= least * (1 - 1e-9)
        if count in (7, 8):
            assert after == pytest.approx(least, rel=1e-9)


def test_each_exchange_is_the_best_there_is() -> None:
    """The same greedy steps, each by the whole quadratic form."""
    gradients = np.random.default_rng(3).normal(size=(6, 8))
    order = np.argsort(np.diag(fisher(gradients)), kind="stable").tolist()
    removed = order[:4]
    for unit in order[4:]:
        joined = [*removed, unit]
        forms = []
        for stays in joined:
            kept = np.ones(8)
            kept[[each for each in joined if each != stays]] = 0
            forms.append(rise(kept, gradients))
        removed = [each for each in joined if each != joined[int(np.argmin(forms))]]
    kept = torch.ones(8, dtype=torch.bool)
    kept[order[:4]] = False
    found = rearrange(kept, torch.from_numpy(gradients))
    assert sorted((~found).nonzero().flatten().tolist()) == sorted(removed)


def test_units_whose_gradients_cancel_go_together() -> None:
    """The diagonal would remove the first two, which add up."""
    gradients = torch.tensor([[1.0, 1.1, -1.2], [2.0, 2.1, -2.2]])
    kept = torch.tensor([False, False, True])
    assert rearrange(kept, gradients).tolist() == [True, False, False]


@pytest.mark.parametrize("damping", [0.0, 0.1])
def test_the_factors_are_the_least_squares_of_numpy(damping: float) -> None:
    random = np.random.default_rng(0)
    owner = np.array([0, 0, 3, 3, -1, 5])
    inputs, weight = random.normal(size=(40, 6)), random.normal(size=(4, 6))
    missing = random.normal(size=(40, 4))
    columns = [
        np.einsum("tc,oc->to", inputs[:, owner == unit], weight[:, owner == unit]).ravel()
        for unit in (0, 3, 5)
    ]
    system = np.stack(columns, axis=1)
    scale = np.sqrt(damping * np.mean(np.sum(system**2, axis=0)))
    expected, *_ = np.linalg.lstsq(
        np.vstack([system, scale * np.eye(3)]), np.append(missing.ravel(), np.zeros(3)), rcond=None
    )
    gram = torch.from_numpy(inputs.T @ inputs * (weight.T @ weight))
    forces = torch.from_numpy(((missing @ weight) * inputs).sum(0))
    found = solve(gram, forces, torch.from_numpy(owner), damping).numpy()
    by_unit = dict(zip((0, 3, 5), expected, strict=True)) | {-1: 0.0}
    np.testing.assert_allclose(found, [by_unit[each] for each in owner], rtol=1e-8)
