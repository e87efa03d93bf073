"""What a module answers to inputs, outputs and gradients, and how far two answers are apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from sparsify.capture.settle import settled
from sparsify.errors import CheckFailed

EQUAL = 1e-5
"""The largest relative difference between two ways to compute the same."""


@dataclass(frozen=True)
class Answers:
    """Of one module to one set of inputs."""

    outputs: list[Tensor]
    gradients: list[Tensor]
    """Of a fixed function of the outputs, one for each parameter asked for."""


def answers(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    parameters: Sequence[nn.Parameter] = (),
    *,
    training: bool = False,
    seed: int = 0,
    steady: Iterable[str] = (),
) -> Answers:
    """Call `module` in the mode wanted, with random draws that `seed` decides.

    Random branches, which no graph holds, are off as they are in its program; so are those of the
    submodules `steady`.
    """
    before = module.training
    # train mode drops what a model remembers from evaluation, as a table made without gradients
    module.train().train(training)
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    with torch.random.fork_rng(), torch.enable_grad(), settled(module, steady):
        torch.manual_seed(seed)
        outputs = [
            value for value in pytree.tree_leaves(module(**inputs)) if isinstance(value, Tensor)
        ]
        floats = [value for value in outputs if value.is_floating_point()]
        total = torch.stack([(_waves(value) * value).sum() for value in floats]).sum()
        found = torch.autograd.grad(total, learned, allow_unused=True) if learned else ()
    module.train().train(before)
    gradients = [
        torch.zeros_like(parameter) if gradient is None else gradient
        for parameter, gradient in zip(learned, found, strict=True)
    ]
    return Answers([value.detach() for value in outputs], gradients)


def difference(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """The largest difference, relative to the largest value; infinite where shapes differ."""
    if [each.shape for each in expected] != [each.shape for each in found]:
        return float("inf")
    pairs = [(e.double(), f.double()) for e, f in zip(expected, found, strict=True) if e.numel()]
    scale = max((float(e.abs().max()) for e, _ in pairs), default=0.0)
    worst = max((float((e - f).abs().max()) for e, f in pairs), default=0.0)
    return worst / scale if scale else worst


def require_equal(what: str, expected: Sequence[Tensor], found: Sequence[Tensor]) -> None:
    """Raises:
    CheckFailed: they are further apart than rounding takes them.
    """
    apart = difference(expected, found)
    if not apart <= EQUAL:
        raise CheckFailed(f"{what} differ by {apart:.1e}")


def _waves(value: Tensor) -> Tensor:
    """A different weight for every number, so that no two differences cancel."""
    count = torch.arange(value.numel(), device=value.device, dtype=value.dtype)
    return torch.cos(count).view(value.shape)
