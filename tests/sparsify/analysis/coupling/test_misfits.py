"""Calls that no rule was made for freeze what flows into them; a type's donor gives no channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sparsify.analysis.coupling import structures, walk
from sparsify.analysis.structures import Structure
from sparsify.capture import capture
from sparsify.program import aten


class Typed(nn.Module):
    """Takes the type of its neurons for what has fewer dimensions than they."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        """f32[batch, tokens, 2] from f32[batch, tokens, 4]."""
        neurons = torch.relu(self.up(x))
        found: Tensor = self.down(neurons) * x[..., 0].double().type_as(neurons)[..., None]
        return found


def neurons() -> Structure:
    found = capture(Typed(), {"x": torch.randn(2, 3, 4)}, {"x": {0: "batch"}})
    return structures(found)[0]


def test_the_donor_of_a_type_gives_nothing_else() -> None:
    assert (len(neurons().units), neurons().frozen) == (6, "")


def test_a_rule_that_fails_freezes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> walk.Several:
        raise RuntimeError

    monkeypatch.setitem(walk.RULES, aten.relu.default, fails)
    assert neurons().frozen == "goes through aten.relu in a way that no rule describes"
