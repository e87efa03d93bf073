"""What became of each weight of an ONNX file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sparsify.report import StoredWeight


@dataclass(frozen=True)
class Lowered:
    """How one weight is stored in the file."""

    told: StoredWeight
    rounded: np.ndarray | None = None
    """The numbers that are in the file, where they are not the weight's own."""


def in_eight_bits(lowered: Iterable[Lowered], stored_bytes: Mapping[str, int]) -> list[Lowered]:
    """The same, where some dense weights are stored in 8 bits, in so many bytes."""
    found = []
    for each in lowered:
        told = each.told
        if told.name in stored_bytes:
            size = stored_bytes[told.name]
            told = told.model_copy(update={"form": "dense, int8", "stored_bytes": size})
        found.append(replace(each, told=told))
    return found
