"""What was freed is given back, and what is in use stays as it is."""

from __future__ import annotations

import psutil
import torch

from sparsify.statistics.heap import give_back

SIZE, COUNT = 16 * 1024, 1000
"""Numbers in a tensor, small enough for the C library to keep, and how many tensors there are."""


def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    process = psutil.Process()
    tensors = [torch.full((SIZE,), float(number)) for number in range(COUNT)]
    full = process.memory_info().rss
    kept = tensors[::10]
    del tensors
    give_back()
    assert full - process.memory_info().rss > 0.5 * COUNT * SIZE * 4
    assert all(bool((each == 10 * number).all()) for number, each in enumerate(kept))
