"""Branches on values: those that finite numbers decide are taken, any other is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.self_test import TOLERANCE, self_test

IDS = {"ids": torch.arange(12).view(2, 6)}
DYNAMIC = {"ids": {0: "batch", 1: "sequence"}}


class Clamped(nn.Module):
    """Guards against overflow as models of pictures do, and tells where its numbers are finite."""

    def __init__(self, limit: float = torch.inf) -> None:
        super().__init__()
        self.words = nn.Embedding(12, 8)
        self.inner = nn.Linear(8, 8)
        self.limit = limit

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        state = self.inner(self.words(ids))
        assert state.isnan().sum() == 0
        if not torch.isfinite(state).all():
            state = state.clamp(-1.0, 1.0)
        if self.limit < torch.inf and state.max() > self.limit:
            state = state.tanh()
        return state, (state / 0.0).isfinite()


class Written(nn.Module):
    """A decoder of torch's own layers, with the mask that it is meant to have."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(12, 8)
        layer = nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, 1)

    def forward(self, ids: Tensor) -> Tensor:
        state = self.words(ids)
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        found: Tensor = self.decoder(state, state, tgt_mask=mask)
        return found


def test_a_guard_against_overflow_is_passed_and_noted() -> None:
    torch.manual_seed(0)
    model = Clamped()
    program = capture(model, IDS, DYNAMIC)
    assert self_test(model, program).max_output_difference == 0
    assert len(program.origin.notes) == 2
    assert all("only where its numbers are finite" in note for note in program.origin.notes)
    assert "test_finite.py:" in program.origin.notes[0]


def test_what_is_computed_of_whether_numbers_are_finite_is_computed() -> None:
    program = capture(Clamped(), IDS, DYNAMIC)
    assert not program.outputs(IDS)[1].any()


def test_any_other_branch_on_values_is_refused() -> None:
    with pytest.raises(Problem, match="a branch depends on values"):
        capture(Clamped(limit=1.0), IDS, DYNAMIC)


def test_torchs_decoder_may_look_whether_its_mask_is_causal() -> None:
    torch.manual_seed(0)
    model = Written()
    program = capture(model, IDS, DYNAMIC)
    found = self_test(model, program)
    assert max(found.max_output_difference, found.max_gradient_difference) <= TOLERANCE
    assert program.dynamic == DYNAMIC
