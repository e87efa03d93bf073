"""Which dimensions an indexing call picks from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


def places(indices: Sequence[Any]) -> list[int]:
    """The dimensions that indices pick from; a boolean one picks from as many as it has."""
    dims: list[int] = []
    at = 0
    for each in indices:
        value = None if each is None else each.meta["val"]
        taken = 1 if value is None or value.dtype is not torch.bool else value.ndim
        dims += [] if value is None else range(at, at + taken)
        at += taken
    return dims
