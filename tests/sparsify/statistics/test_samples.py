"""Samples in pieces are the same rows in the same order."""

from __future__ import annotations

import torch

from sparsify.statistics.samples import pieces
from tests.sparsify.programs import calibrated, program


def test_pieces_hold_all_rows_once() -> None:
    found = calibrated(program("bert").clone(), count=10, batch=5)
    few = pieces(found)
    assert [len(batch["labels"]) for batch in few] == [2, 2, 1, 2, 2, 1]
    for batch, first in zip(found.samples, (few[:3], few[3:]), strict=True):
        for name, whole in batch.items():
            assert torch.equal(torch.cat([each[name] for each in first]), whole)


def test_a_batch_with_values_of_no_row_stays_whole() -> None:
    found = calibrated(program("bert").clone(), count=4, batch=4)
    (batch,) = found.samples
    for shared in (torch.arange(8)[None], torch.tensor(1.0)):
        found.samples = ({**batch, "shared": shared},)
        (whole,) = pieces(found)
        assert whole["shared"] is shared
