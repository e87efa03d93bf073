"""What passes calibrate on: the first rows of the training set, or something of their shape."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sparsify.data import Encoded
from sparsify.program import Program
from sparsify.taps import span_logits, tap

BATCH = 8
"""Rows that are padded and run together."""


def calibration(data: Encoded, rows: int, device: torch.device) -> tuple[Mapping[str, Tensor], ...]:
    """The first `rows` of `data` in batches of like length, with their labels."""
    first = torch.arange(min(rows, len(data)))
    by_length = first[data.lengths[first].argsort(stable=True)]
    batches = [
        {**data.batch(part), "labels": data.targets(part)} for part in torch.split(by_length, BATCH)
    ]
    return tuple({name: value.to(device) for name, value in each.items()} for each in batches)


def stand_in(program: Program) -> tuple[Mapping[str, Tensor], ...]:
    """The example inputs with labels of zero: a plan counts, whatever the data would choose."""
    first = next(iter(program.inputs.values()))
    shape = [len(first)]
    if span_logits(program):
        shape.append(2)
    elif tap(program, "logits").meta["val"].ndim == 3 and first.ndim > 1:
        shape.append(program.inputs.get("decoder_input_ids", first).shape[1])
    labels = torch.zeros(shape, dtype=torch.int64, device=first.device)
    return ({**program.inputs, "labels": labels},)
