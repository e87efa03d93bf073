"""Gradients of the task's loss at the calibration samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sparsify.analysis.products import products
from sparsify.analysis.structures import Units
from sparsify.program import Program
from sparsify.statistics.heap import give_back
from sparsify.statistics.inputs import unmeasured
from sparsify.statistics.samples import count, one_by_one
from sparsify.statistics.scaled import Scaled
from sparsify.taps import tapped
from sparsify.task_loss import task_loss


def gradients(program: Program, names: Sequence[str]) -> Iterator[list[Tensor]]:
    """dL/dw at every single sample, for each of the parameters or masks `names`, in eval mode.

    Raises:
        Problem: there are no samples, or they have no labels.
    """
    wanted = [program.tensor(name) for name in names]
    module = tapped(program, ["logits"]).eval()
    with _learning(program, wanted):
        for values, labels in one_by_one(program):
            yield _gradients(module, values, labels, wanted)


@contextmanager
def _learning(program: Program, wanted: Sequence[Tensor]) -> Iterator[None]:
    """In eval mode, with gradients for `wanted` alone, so that no more is kept than they need."""
    training = program.module.training
    program.module.eval()
    tensors = dict.fromkeys([*program.module.parameters(), *wanted])
    asked = {tensor: tensor.requires_grad for tensor in tensors}
    try:
        for tensor in tensors:
            tensor.requires_grad_(False)
        for tensor in wanted:
            tensor.requires_grad_()
        yield
    finally:
        program.module.train(training)
        for tensor, before in asked.items():
            tensor.requires_grad_(before)


def _gradients(
    module: nn.Module, values: Mapping[str, Tensor], labels: Tensor, wanted: Sequence[Tensor]
) -> list[Tensor]:
    with torch.enable_grad():
        loss = task_loss(module(**values)["logits"], labels)
    found = list(torch.autograd.grad(loss, wanted))
    give_back()
    return found


def mean_gradients(program: Program, names: Sequence[str]) -> dict[str, Tensor]:
    """Weight -> dL/dw, where L is the mean of the loss over all samples."""
    total: list[Tensor] = []
    for found in gradients(program, names):
        total = [a.add_(b) for a, b in zip(total, found, strict=True)] if total else found
    number = count(program)
    return {name: each / number for name, each in zip(names, total, strict=True)}


def unit_gradients(program: Program, groups: Sequence[Units]) -> Tensor:
    """f32[samples, units]: dL/dm at every sample, for a factor m = 1 on what the unit hands on.

    Where a weight multiplies rows of inputs, their channels have factors, and no gradient is as
    large as a weight. Elsewhere dL/dm is the sum of w * dL/dw over the slices that read the unit
    (Michel et al. 2019, arXiv:1905.10650).

    Args:
        program: its samples have labels.
        groups: the units of one structure after another, as the columns of the result.

    Raises:
        Problem: what `gradients` raises.
    """
    device = next(program.module.parameters()).device
    readers = _readers(groups, device)
    names = sorted({name for name, *_ in readers})
    uses = [use for use in products(program) if use.weight in names]
    bare = unmeasured(program, names)
    scaled = Scaled(program, [use for use in uses if use.weight not in bare])
    weights = {name: program.tensor(name) for name in bare}
    found = torch.zeros(count(program), sum(map(len, groups)), device=device)
    with _learning(program, list(weights.values())):
        for row, (values, labels) in enumerate(one_by_one(program)):
            factors = scaled.ones()
            wanted = [*factors.values(), *weights.values()]
            each = _gradients(scaled.module, {**values, **factors}, labels, wanted)
            of_channels = scaled.by_weight(each[: len(factors)])
            of_weights = dict(zip(weights, each[len(factors) :], strict=True))
            for name, axis, places, owners in readers:
                if name in of_weights:
                    moved = (weights[name].detach() * of_weights[name]).float().movedim(axis, 0)
                    along = moved.flatten(1).sum(1)
                else:
                    along = of_channels[name].float()
                found[row].index_add_(0, owners, along[places])
    return found


def _readers(
    groups: Sequence[Units], device: torch.device
) -> list[tuple[str, int, Tensor, Tensor]]:
    """Weights, the axes where they read units, the places on them, the numbers of their units."""
    found, first = [], 0
    for units in groups:
        for part in units.parts:
            if part.reads:
                places = torch.from_numpy(part.indices).to(device)
                owners = torch.arange(first, first + len(units), device=device)
                owners = owners[:, None].expand_as(places)
                found.append((part.parameter, part.axis, places.flatten(), owners.flatten()))
        first += len(units)
    return found
