"""Valid inputs of other sizes, made from the example inputs that a program was captured on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def at_sizes(
    inputs: Mapping[str, Tensor],
    dynamic: Mapping[str, Mapping[int, str]],
    sizes: Mapping[str, int],
    *,
    seed: int,
) -> dict[str, Tensor]:
    """The example inputs, resized along their named dimensions.

    Only values of the examples occur, so ids stay inside their vocabularies; the first position
    stays the first, the others are drawn. A dimension is drawn once for all inputs, so what
    belongs together stays together. Masks hide the end of some rows and never a whole row.

    Args:
        inputs: example inputs by name.
        dynamic: the dimensions of each input that may vary, by name.
        sizes: the new size of each named dimension; one that is left out keeps its size.
        seed: equal seeds give equal inputs.
    """
    random = torch.Generator().manual_seed(seed)
    drawn: dict[tuple[str, int], Tensor] = {}
    found = {}
    for name, value in inputs.items():
        for dimension, label in dynamic.get(name, {}).items():
            if label in sizes:
                key = (label, value.shape[dimension])
                if key not in drawn:
                    drawn[key] = _draw(key[1], sizes[label], random)
                value = value.index_select(dimension, drawn[key].to(value.device))
        found[name] = _hide_ends(value, random) if _is_mask(name, value) else value
    return found


def _draw(size: int, count: int, random: torch.Generator) -> Tensor:
    """i64[count]: which of `size` positions to take; the first comes first."""
    index = torch.randint(size, (count,), generator=random)
    index[:1] = 0
    return index


def _is_mask(name: str, value: Tensor) -> bool:
    two_valued = value.dtype is torch.bool or bool(((value == 0) | (value == 1)).all())
    return "mask" in name and value.ndim == 2 and two_valued


def _hide_ends(mask: Tensor, random: torch.Generator) -> Tensor:
    """A mask [batch, sequence] of ones and then zeros: a full row, then drawn lengths."""
    rows, columns = mask.shape
    lengths = torch.randint(1, columns + 1, (rows, 1), generator=random)
    lengths[:1] = columns
    return (torch.arange(columns) < lengths).to(mask)
