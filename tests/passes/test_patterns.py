"""Patterns make scores of units; a unit covers a whole number of weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.ranking import keep_largest
from sparsify.errors import Problem
from sparsify.kinds import pattern

INSIDE = sorted(name for name, member in pattern.members.items() if "scores" in member.given)
ROWS = st.sampled_from([4, 8, 12])


def random(rows: int, columns: int, seed: int, *rest: int) -> torch.Tensor:
    return torch.rand(rows, columns, *rest, generator=torch.Generator().manual_seed(seed))


def test_an_element_stands_for_itself() -> None:
    scores = torch.randn(4, 6)
    assert torch.equal(pattern.choose("element")(scores=scores), scores)


@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("shape", [(64, 64), (8, 4, 3), (8, 4, 3, 3)])
def test_units_divide_the_weight(name: str, shape: tuple[int, ...]) -> None:
    units = pattern.choose(name)(scores=torch.randn(shape))
    assert len(units.shape) == len(shape)
    assert all(size % count == 0 for size, count in zip(shape, units.shape, strict=True))


@given(ROWS, ROWS, st.sampled_from([(4, 1), (1, 4), (2, 2), (1, 1)]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_block_has_the_mean_of_its_weights(
    rows: int, columns: int, shape: tuple[int, int], seed: int
) -> None:
    scores = random(rows, columns, seed)
    units = pattern.choose("block", shape=shape)(scores=scores).numpy()
    high, wide = shape
    for i in range(rows // high):
        for j in range(columns // wide):
            block = scores.numpy()[i * high : (i + 1) * high, j * wide : (j + 1) * wide]
            np.testing.assert_allclose(units[i, j], block.mean(), rtol=1e-6)


@given(ROWS, ROWS, st.integers(1, 4), st.integers(0, 99), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_n_of_m_keeps_the_n_largest_of_every_m(
    rows: int, columns: int, n: int, seed: int, share: float
) -> None:
    scores = random(rows, columns, seed)
    units = pattern.choose("n-of-m", n=n, m=4)(scores=scores)
    (mask,) = keep_largest([units], share * (1 - n / 4))
    groups, kept = scores.numpy().reshape(-1, 4), mask.numpy().reshape(-1, 4)
    for group, flags in zip(groups, kept, strict=True):
        assert flags[np.argsort(group)[-n:]].all()
    (full,) = keep_largest([units], 1 - n / 4)
    assert (full.reshape(-1, 4).sum(1) == n).all()


@given(ROWS, ROWS, st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_rows_and_columns_have_the_mean_of_their_weights(
    rows: int, columns: int, seed: int
) -> None:
    scores = random(rows, columns, seed, 3)
    by_row = pattern.choose("row")(scores=scores)
    by_column = pattern.choose("column")(scores=scores)
    array = scores.numpy()
    np.testing.assert_allclose(by_row[:, 0, 0], array.mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(by_column[0, :, 0], array.mean((0, 2)), rtol=1e-6)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (pattern.choose("block"), "6 x 10 does not divide into blocks of 4 x 1"),
        (pattern.choose("block", shape=(1, 4)), "6 x 10 does not divide into blocks of 1 x 4"),
        (pattern.choose("n-of-m"), "6 x 10 does not divide into 2 of 4"),
        (pattern.choose("n-of-m", n=3, m=2), "6 x 10 does not divide into 3 of 2"),
    ],
    ids=str,
)
def test_a_weight_that_does_not_divide_is_refused(chosen: object, said: str) -> None:
    with pytest.raises(Problem) as caught:
        chosen(scores=torch.randn(6, 10))  # type: ignore[operator]
    assert caught.value.what == said
    assert caught.value.hint == "leave it out of the targets, or choose another pattern"
