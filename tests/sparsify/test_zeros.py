"""Zeros are counted alike in arrays and tensors of every type."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparsify.zeros import nonzero_count, share_of_zeros, zero_count

TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool, torch.int64)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_tensors_of_every_type_are_counted(dtype: torch.dtype) -> None:
    values = torch.tensor([[0, 1, 1], [0, 0, 1]]).to(dtype)
    assert (nonzero_count(values), zero_count(values), share_of_zeros(values)) == (3, 3, 0.5)


def test_arrays_are_counted_as_tensors() -> None:
    array = np.array([[0.0, -0.0, np.nan], [np.inf, 1e-45, 0.0]], np.float32)
    assert nonzero_count(array) == nonzero_count(torch.from_numpy(array)) == 3
    assert zero_count(array.T) == 3


def test_what_learns_and_views_are_counted() -> None:
    weight = torch.nn.Parameter(torch.eye(4))
    assert nonzero_count(weight.t()[::2]) == 2


def test_nothing_has_no_zeros() -> None:
    assert share_of_zeros(torch.empty(0, 3)) == 0
