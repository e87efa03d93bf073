"""Exactly so many of the smallest numbers go, whatever the numbers and however they are split."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passes import ranking
from passes.ranking import Scope, keep_largest, keep_largest_of_rows, rank

SCOPES: tuple[Scope, ...] = ("weight", "row", "global", "erk")
numbers = st.lists(
    st.floats(width=32, allow_nan=False) | st.sampled_from([0.0, 1.0, -1.0, np.inf, -np.inf]),
    min_size=1,
    max_size=60,
)
few = st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=60)
shares = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])


def by_sorting(values: list[float], sparsity: float) -> list[int]:
    array = np.array(values, dtype=np.float32)
    mask = np.ones(len(array), dtype=int)
    mask[np.argsort(array, kind="stable")[: round(sparsity * len(array))]] = 0
    return mask.tolist()


@given(numbers | few, shares)
@example([-0.0, 0.0, -0.0], 0.5)
@example([np.inf] * 4, 0.5)
@settings(max_examples=150, deadline=None)
def test_it_is_what_a_stable_sort_would_zero(values: list[float], sparsity: float) -> None:
    (mask,) = keep_largest([torch.tensor(values)], sparsity)
    assert mask.int().tolist() == by_sorting(values, sparsity)


@given(numbers | few, shares, st.lists(st.integers(0, 60), max_size=5))
@settings(max_examples=100, deadline=None)
def test_the_result_does_not_depend_on_how_tensors_are_split(
    values: list[float], sparsity: float, cuts: list[int]
) -> None:
    places = sorted({min(cut, len(values)) for cut in cuts} - {0, len(values)})
    parts = list(torch.tensor(values).tensor_split(places))
    masks = keep_largest(parts, sparsity)
    assert [mask.shape for mask in masks] == [part.shape for part in parts]
    assert torch.cat(masks).int().tolist() == by_sorting(values, sparsity)


@pytest.mark.parametrize("stride", [5, 101, 997])
@given(st.integers(0, 10**6), shares)
@settings(max_examples=30, deadline=None)
def test_a_small_sample_misleads_nobody(stride: int, seed: int, sparsity: float) -> None:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 400, size=3)
    # sorted runs and ties are what an even sample sees worst
    parts = [np.sort(random.normal(size=n).astype(np.float32).round(1)) for n in sizes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "stride_of", lambda total: stride)
        masks = keep_largest([torch.from_numpy(part) for part in parts], sparsity)
    expected = by_sorting(np.concatenate(parts).tolist(), sparsity)
    assert torch.cat(masks).int().tolist() == expected


def test_more_numbers_than_the_sample_are_counted_exactly() -> None:
    parts = [torch.randn(300, 301), torch.randn(7), torch.randn(100, 200).mul(10)]
    masks = keep_largest(parts, 0.9)
    total = sum(part.numel() for part in parts)
    assert sum(int((mask == 0).sum()) for mask in masks) == round(0.9 * total)
    flat = torch.cat([part.reshape(-1) for part in parts])
    expected = by_sorting(flat.tolist(), 0.9)
    assert torch.cat([mask.reshape(-1) for mask in masks]).int().tolist() == expected


@pytest.mark.parametrize("sparsity", [0.0, 1.0])
def test_nothing_and_everything(sparsity: float) -> None:
    masks = keep_largest([torch.randn(3, 4), torch.randn(2)], sparsity)
    assert all(bool((mask == 1 - sparsity).all()) for mask in masks)
    assert [mask.shape for mask in masks] == [(3, 4), (2,)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_masks_have_the_type_of_the_scores(dtype: torch.dtype) -> None:
    (mask,) = keep_largest([torch.arange(10).to(dtype)], 0.5)
    assert mask.dtype is dtype
    assert mask.tolist() == [0.0] * 5 + [1.0] * 5


@given(st.lists(few, min_size=1, max_size=4), shares)
def test_every_row_is_ranked_for_itself(rows: list[list[float]], sparsity: float) -> None:
    width = min(map(len, rows))
    scores = torch.tensor([row[:width] for row in rows])
    found = keep_largest_of_rows(scores, sparsity)
    assert found.int().tolist() == [by_sorting(row[:width], sparsity) for row in rows]


def test_who_competes_is_the_scope() -> None:
    units = [torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [0.0, 7.0]])]
    found = {scope: [m.int().tolist() for m in rank(units, [0.5, 0.5], scope)] for scope in SCOPES}
    assert found == {
        "weight": [[[0, 0], [1, 1]], [[0, 1], [0, 1]]],
        "row": [[[0, 1], [0, 1]], [[0, 1], [0, 1]]],
        "global": [[[0, 0], [0, 1]], [[1, 1], [0, 1]]],
        "erk": [[[0, 0], [1, 1]], [[0, 1], [0, 1]]],
    }
