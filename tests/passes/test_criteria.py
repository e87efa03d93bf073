"""Criteria take what they name and give scores of the weight's shape."""

from __future__ import annotations

import pytest
import torch

from sparsify.kinds import criterion

WEIGHT = torch.tensor([[1.0, -3.0, 0.0], [2.0, -0.5, 4.0]])
SCORES = torch.tensor([[-1.0, 5.0, 0.0], [2.0, 3.0, -4.0]])


def test_magnitude_is_the_absolute_weight() -> None:
    chosen = criterion.choose("magnitude")
    assert chosen.needs == ("weight",)
    assert torch.equal(chosen(weight=WEIGHT, scores=None), WEIGHT.abs())


def test_movement_is_what_was_learned_sign_and_all() -> None:
    chosen = criterion.choose("movement")
    assert chosen.needs == ("scores",)
    assert torch.equal(chosen(weight=WEIGHT, scores=SCORES), SCORES)


@pytest.mark.parametrize("name", sorted(criterion.members))
def test_scores_have_the_shape_of_the_weight(name: str) -> None:
    assert criterion.choose(name)(weight=WEIGHT, scores=SCORES).shape == WEIGHT.shape
