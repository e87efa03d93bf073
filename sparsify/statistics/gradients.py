"""Gradients of the task's loss at the calibration samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sparsify.analysis.structures import Unit
from sparsify.program import Program
from sparsify.statistics.samples import count, one_by_one
from sparsify.taps import tapped
from sparsify.task_loss import task_loss


def gradients(program: Program, names: Sequence[str]) -> Iterator[list[Tensor]]:
    """dL/dw at every single sample, for each of the parameters or masks `names`, in eval mode.

    Raises:
        Problem: there are no samples, or they have no labels.
    """
    training = program.module.training
    module = tapped(program, ["logits"]).eval()
    wanted = [program.tensor(name) for name in names]
    asked = [tensor.requires_grad for tensor in wanted]
    try:
        for values, labels in one_by_one(program):
            for tensor in wanted:
                tensor.requires_grad_()
            with torch.enable_grad():
                loss = task_loss(module(**values)["logits"], labels)
            yield list(torch.autograd.grad(loss, wanted))
    finally:
        program.module.train(training)
        for tensor, before in zip(wanted, asked, strict=True):
            tensor.requires_grad_(before)


def mean_gradients(program: Program, names: Sequence[str]) -> dict[str, Tensor]:
    """Weight -> dL/dw, where L is the mean of the loss over all samples."""
    total: list[Tensor] = []
    for found in gradients(program, names):
        total = [a.add_(b) for a, b in zip(total, found, strict=True)] if total else found
    number = count(program)
    return {name: each / number for name, each in zip(names, total, strict=True)}


def unit_gradients(program: Program, units: Sequence[Unit]) -> Tensor:
    """f32[samples, units]: dL/dm at every sample, for a factor m = 1 on what the unit hands on.

    Scaling a unit's channels where they are read scales the weights that read them, so that dL/dm
    is the sum of w * dL/dw over the slices that read (Michel et al. 2019, arXiv:1905.10650).
    """
    parts: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    for number, unit in enumerate(units):
        for each in unit.slices:
            if each.reads:
                places, owners = parts.setdefault((each.parameter, each.axis), ([], []))
                places += each.indices
                owners += [number] * len(each.indices)
    names = sorted({name for name, _ in parts})
    found = []
    for of_sample in gradients(program, names):
        known = dict(zip(names, of_sample, strict=True))
        total = torch.zeros(len(units), device=of_sample[0].device)
        for (name, axis), (places, owners) in parts.items():
            moved = (program.tensor(name).detach() * known[name]).float().movedim(axis, 0)
            along = moved.flatten(1).sum(1)[places]
            total.index_add_(0, torch.tensor(owners, device=total.device), along)
        found.append(total)
    return torch.stack(found)
