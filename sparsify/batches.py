"""Batches as a user's own DataLoader gives them -> inputs by name, labels, and named dimensions."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sparsify.errors import Problem
from sparsify.examples import at_sizes

LABELS = ("labels", "label", "targets", "target")
"""What labels are called in a batch that is a mapping."""


def parameter_names(model: nn.Module) -> tuple[list[str], list[str]]:
    """The names of forward's parameters, and of those that it cannot be called without."""
    named = [
        each
        for each in inspect.signature(model.forward).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    return [each.name for each in named], [e.name for e in named if e.default is e.empty]


def by_name(batch: Any, names: Sequence[str], required: Sequence[str]) -> dict[str, Tensor]:
    """A batch as the inputs of a model by name, and `labels` where there are some.

    A mapping gives inputs by their names; of a tuple or list the first tensors are the inputs that
    forward requires, in its order, and one more is the labels.

    Raises:
        Problem: the batch is none of these, or lacks an input.
    """
    if isinstance(batch, Tensor):
        batch = (batch,)
    if isinstance(batch, Mapping) or hasattr(batch, "keys"):
        tensors = {str(k): batch[k] for k in batch.keys() if isinstance(batch[k], Tensor)}  # noqa: SIM118
        found = {name: tensors[name] for name in names if name in tensors and name not in LABELS}
        labels = [tensors[name] for name in LABELS if name in tensors]
    elif isinstance(batch, Sequence) and all(isinstance(each, Tensor) for each in batch):
        count = min(len(batch), max(1, len(required)))
        found, labels = dict(zip(names, batch[:count], strict=False)), list(batch[count:])
    else:
        raise Problem(
            f"a batch is {type(batch).__name__}, and a mapping or tuple of tensors is needed",
            hint="such as what a DataLoader gives",
        )
    if missing := [name for name in required if name not in found]:
        what = f"a batch holds no {missing[0]!r}, which the model's forward requires"
        raise Problem(what, hint=f"it holds: {', '.join(found)}")
    return found | ({"labels": labels[0]} if labels else {})


def named_dimensions(inputs: Mapping[str, Tensor]) -> dict[str, dict[int, str]]:
    """The dimensions of inputs that may vary: the batch and, where ids or states stand, the length.

    The first dimension of every tensor is `batch`. The second one of integers, masks and
    three-dimensional floats is `sequence`, or has the input's name where its size is another one.
    """
    lengths: dict[int, str] = {}
    found: dict[str, dict[int, str]] = {}
    for name, value in inputs.items():
        found[name] = {0: "batch"} if value.ndim else {}
        is_text = value.ndim == 2 and not value.is_floating_point()
        if is_text or value.ndim == 3 or (value.ndim == 2 and name.endswith("mask")):
            size = value.shape[1]
            label = f"{name}_sequence" if lengths else "sequence"
            found[name][1] = lengths.setdefault(size, label)
    return found


def example(model: nn.Module, batch: Any) -> tuple[dict[str, Tensor], dict[str, dict[int, str]]]:
    """Example inputs for a capture, and their named dimensions, from one batch.

    Two rows are kept, and no two dynamic dimensions have one size.

    Raises:
        Problem: what `by_name` raises.
    """
    inputs = by_name(batch, *parameter_names(model))
    inputs.pop("labels", None)
    first = next(model.parameters(), torch.empty(0))
    return resized({name: value.to(first.device) for name, value in inputs.items()})


def resized(
    inputs: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, dict[int, str]]]:
    """Inputs of two rows of which no two named dimensions have one size, and these dimensions."""
    dynamic = named_dimensions(inputs)
    sizes: dict[str, int] = {}
    for name, dimensions in dynamic.items():
        for dimension, label in dimensions.items():
            size = 2 if label == "batch" else inputs[name].shape[dimension]
            while label not in sizes and size in sizes.values():
                size += 1
            sizes.setdefault(label, size)
    return at_sizes(inputs, dynamic, sizes, seed=0), dynamic


def samples(
    batches: Iterable[Any], names: Sequence[str], rows: int, device: torch.device
) -> tuple[Mapping[str, Tensor], ...]:
    """The first `rows` rows of `batches`, by name, on `device`; no more batches are drawn.

    Raises:
        Problem: what `by_name` raises, or there is no row.
    """
    found: list[Mapping[str, Tensor]] = []
    for batch in batches:
        if rows <= 0:
            break
        tensors = by_name(batch, names, names)
        count = len(next(iter(tensors.values())))
        found.append({name: value[:rows].to(device) for name, value in tensors.items()})
        rows -= count
    if not found:
        raise Problem("the calibration data holds no batch", hint="give a loader that has rows")
    return tuple(found)
