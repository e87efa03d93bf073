"""Valid inputs of other sizes, made from the example inputs that a program was captured on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

BATCHES, LENGTHS, SCALES = (3, 1, 5), (7, 5, 17), (1.3, 0.8, 1.7)
"""Sizes that no capture uses; a batch of one is where dimensions vanish."""
LONG = 64
"""From here on a dimension is no text of the examples, but a signal."""


def at_sizes(
    inputs: Mapping[str, Tensor],
    dynamic: Mapping[str, Mapping[int, str]],
    sizes: Mapping[str, int],
    *,
    seed: int,
) -> dict[str, Tensor]:
    """The example inputs, resized along their named dimensions.

    Only values of the examples occur, so ids stay inside their vocabularies; the first and the last
    position stay where they are, the others are drawn from between. A dimension is drawn once for
    all inputs, so what belongs together stays together. Masks hide the end of some rows and never a
    whole row.

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
    """i64[count]: which of `size` positions to take; the first comes first, the last last."""
    first, last = min(1, size - 1), max(size - 1, 1)
    index = torch.randint(first, max(last, first + 1), (count,), generator=random)
    index[-1:] = size - 1
    index[:1] = 0
    return index


def other_sizes(
    inputs: Mapping[str, Tensor], dynamic: Mapping[str, Mapping[int, str]], number: int = 0
) -> dict[str, int]:
    """Sizes for every named dimension that are not those of the examples; another set per `number`.

    Short dimensions (texts) get short sizes, long ones (signals) are scaled; after these come
    multiples of the examples' own sizes, for models that take nothing else.
    """
    found: dict[str, int] = {}
    multiple = number - len(LENGTHS) + 1
    for name, dims in dynamic.items():
        for dimension, label in dims.items():
            size = inputs[name].shape[dimension]
            if label == "batch":
                found[label] = BATCHES[number % len(BATCHES)]
            elif multiple > 0:
                found[label] = multiple * size
            elif label not in found:
                short = LENGTHS[number] + len(found) - ("batch" in found)
                found[label] = short if size < LONG else round(size * SCALES[number])
    return found


def own_sizes(
    inputs: Mapping[str, Tensor], dynamic: Mapping[str, Mapping[int, str]]
) -> dict[str, int]:
    """The examples' sizes of named dimensions that are neither of a batch nor of a text."""
    return {
        label: inputs[name].shape[dimension]
        for name, dims in dynamic.items()
        for dimension, label in dims.items()
        if label not in ("batch", "sequence")
    }


def _is_mask(name: str, value: Tensor) -> bool:
    two_valued = value.dtype is torch.bool or bool(((value == 0) | (value == 1)).all())
    return "mask" in name and value.ndim == 2 and two_valued


def _hide_ends(mask: Tensor, random: torch.Generator) -> Tensor:
    """A mask [batch, sequence] of ones and then zeros: a full row, then drawn lengths."""
    rows, columns = mask.shape
    lengths = torch.randint(1, columns + 1, (rows, 1), generator=random)
    lengths[:1] = columns
    return (torch.arange(columns) < lengths).to(mask)
