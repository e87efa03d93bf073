"""Patterns make scores of units; a unit covers a whole number of weights."""

from __future__ import annotations

import pytest
import torch

from sparsify.kinds import pattern


def test_an_element_stands_for_itself() -> None:
    scores = torch.randn(4, 6)
    assert torch.equal(pattern.choose("element")(scores=scores), scores)


@pytest.mark.parametrize("name", sorted(pattern.members))
def test_units_divide_the_weight(name: str) -> None:
    units = pattern.choose(name)(scores=torch.randn(64, 64))
    assert all(64 % size == 0 for size in units.shape)
