"""Example inputs as the user describes them, in `capture.inputs`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sparsify.capture.blame import check_names
from sparsify.given import Input
from sparsify.models.source import Source
from sparsify.models.texts import Example

WHERE = "capture.inputs"
NEXT = 5
"""How much longer than the one before every further dimension is: no two may be alike."""


def given_inputs(
    source: Source, given: Mapping[str, Input], *, batch: int, sequence: int
) -> dict[str, Example]:
    """Random values of the shapes that `given` says; a dimension has one size in all inputs.

    Raises:
        Problem: forward takes no such input, or cannot be called without another one.
    """
    check_names(source.module, given, where=WHERE)
    sizes = {"batch": batch, "sequence": sequence}
    named = [each for one in given.values() for each in one.dimensions]
    sizes |= {name: size for name, size in named if name and size}
    for name, _ in named:
        if name:
            sizes.setdefault(name, max(sizes.values()) + NEXT)
    random = torch.Generator().manual_seed(0)
    found = {}
    for name, each in given.items():
        shape = [sizes[label] if label else size or 1 for label, size in each.dimensions]
        dims = {place: label for place, (label, _) in enumerate(each.dimensions) if label}
        found[name] = Example(_values(each, shape, random), dims)
    return found


def _values(wanted: Input, shape: list[int], random: torch.Generator) -> Tensor:
    """Noise; integers from `low` until `high`; ones where neither says anything."""
    if wanted.type == "float32":
        return torch.randn(shape, generator=random)
    if wanted.high is None:
        return torch.ones(shape, dtype=getattr(torch, wanted.type))
    return torch.randint(wanted.low, wanted.high, shape, generator=random)
