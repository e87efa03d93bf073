"""Whether a captured program does what its model does, at shapes it was not captured on."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from sparsify.errors import Problem
from sparsify.examples import at_sizes
from sparsify.program import Program
from sparsify.report import SelfTest

TOLERANCE = 1e-5
"""The largest relative difference: exports were seen to be exact, or wrong by 1e-3 and more."""
SHAPES = ({"batch": 3, "sequence": 7}, {"batch": 1, "sequence": 5})


def self_test(model: nn.Module, program: Program) -> SelfTest:
    """Compare outputs and gradients of `program` with the model's: in eval mode at one shape, and
    in train mode, with the same random draws, at another.

    Raises:
        Problem: they differ, so that the model cannot be trusted to have been captured whole.
    """
    started = time.perf_counter()
    output, gradient = 0.0, 0.0
    for number, sizes in enumerate(SHAPES):
        inputs = at_sizes(program.inputs, program.dynamic, sizes, seed=number)
        training = number == 1
        expected = _run(model, model, inputs, training)
        found = _run(program.module, model, inputs, training)
        output = max(output, _difference(expected[0], found[0]))
        gradient = max(gradient, _difference(expected[1], found[1]))
    if max(output, gradient) > TOLERANCE:
        raise Problem(
            f"the captured graph differs from {type(model).__name__}: outputs by {output:.1e}, "
            f"gradients by {gradient:.1e}",
            hint="its forward does something that a graph cannot hold, such as a random branch",
        )
    return SelfTest(
        seconds=time.perf_counter() - started,
        shapes=[list(sizes.values()) for sizes in SHAPES],
        max_output_difference=output,
        max_gradient_difference=gradient,
    )


def _run(
    module: nn.Module, model: nn.Module, inputs: Mapping[str, Tensor], training: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """Floating-point outputs, and gradients of a fixed function of them for each parameter."""
    before = module.training
    module.train(training)
    parameters = [p for p in model.parameters() if p.requires_grad]
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(0)
        outputs = [
            value
            for value in pytree.tree_leaves(module(**inputs))
            if isinstance(value, Tensor) and value.is_floating_point()
        ]
        total = sum((_waves(value) * value).sum() for value in outputs)
        assert isinstance(total, Tensor)
        gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    module.train(before)
    return [o.detach() for o in outputs], [torch.zeros(()) if g is None else g for g in gradients]


def _waves(value: Tensor) -> Tensor:
    count = torch.arange(value.numel(), device=value.device, dtype=value.dtype)
    return torch.cos(count).view(value.shape)


def _difference(expected: list[Tensor], found: list[Tensor]) -> float:
    """The largest difference, relative to the largest value where that is above 1."""
    if [e.shape for e in expected] != [f.shape for f in found]:
        return float("inf")
    return max(
        (
            float((e - f).abs().max() / e.abs().max().clamp(min=1.0))
            for e, f in zip(expected, found, strict=True)
            if e.numel()
        ),
        default=0.0,
    )
