"""Whether a captured program does what its model does, at shapes it was not captured on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from sparsify.capture.blame import FAILURES
from sparsify.capture.settle import settled
from sparsify.errors import Problem
from sparsify.examples import at_sizes, other_sizes
from sparsify.program import Program
from sparsify.report import SelfTest

TOLERANCE = 1e-5
"""The largest relative difference: exports were seen to be exact, or wrong by 1e-3 and more."""
WANTED, TRIED = 2, 6
"""How many sets of sizes are compared, and how many are tried to find that many."""


def self_test(model: nn.Module, program: Program) -> SelfTest:
    """Compare outputs and gradients of `program` with the model's, at sizes that it was not
    captured at, in eval mode and in train mode with the same random draws.

    Sizes that the model itself refuses are left out.

    Raises:
        Problem: they differ, so that the model cannot be trusted to have been captured whole.
    """
    started = time.perf_counter()
    # norms over the batch learn from every run
    kept = [(buffer, buffer.clone()) for buffer in model.buffers()]
    output, gradient, shapes = 0.0, 0.0, []
    for number in range(TRIED):
        sizes = other_sizes(program.inputs, program.dynamic, number)
        inputs = at_sizes(program.inputs, program.dynamic, sizes, seed=number)
        if not program.origin.allows(sizes) or not _accepts(model, inputs, training=False):
            continue
        differences = _compared(model, program, inputs)
        output, gradient = max(output, differences[0]), max(gradient, differences[1])
        shapes.append(list(sizes.values()))
        if len(shapes) == WANTED or not sizes:
            break
    for buffer, value in kept:
        buffer.copy_(value)
    if max(output, gradient) > TOLERANCE:
        raise Problem(
            f"the captured graph differs from {type(model).__name__}: outputs by {output:.1e}, "
            f"gradients by {gradient:.1e}",
            hint="its forward does something that a graph cannot hold, such as a random branch",
        )
    return SelfTest(
        seconds=time.perf_counter() - started,
        shapes=shapes,
        max_output_difference=output,
        max_gradient_difference=gradient,
    )


def _compared(
    model: nn.Module, program: Program, inputs: Mapping[str, Tensor]
) -> tuple[float, float]:
    """The largest differences of outputs and of gradients, in either mode."""
    output, gradient = 0.0, 0.0
    for training in (False, True):
        # norms over the batch refuse one example
        if training and not _accepts(model, inputs, training=True):
            continue
        with settled(model):
            expected = _run(model, model, inputs, training, program.origin.steady)
        found = _run(program.module, model, inputs, training)
        output = max(output, _difference(expected[0], found[0]))
        gradient = max(gradient, _difference(expected[1], found[1]))
    return output, gradient


def _accepts(model: nn.Module, inputs: Mapping[str, Tensor], *, training: bool) -> bool:
    before = model.training
    try:
        with torch.no_grad(), torch.random.fork_rng():
            model.train(training)(**inputs)
    except FAILURES:
        return False
    finally:
        model.train(before)
    return True


def _run(
    module: nn.Module,
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    training: bool,
    steady: Iterable[str] = (),
) -> tuple[list[Tensor], list[Tensor]]:
    """Output tensors, and gradients of a fixed function of them for each parameter."""
    before = module.training
    # train mode drops what a model remembers from evaluation, as a table made without gradients
    module.train().train(training)
    parameters = [p for p in model.parameters() if p.requires_grad]
    with torch.random.fork_rng(), torch.enable_grad(), settled(module, steady):
        torch.manual_seed(0)
        found = pytree.tree_leaves(module(**inputs))
        outputs = [value for value in found if isinstance(value, Tensor)]
        learned = [value for value in outputs if value.requires_grad]
        gradients: Sequence[Tensor | None] = ()
        if learned and parameters:
            total = torch.stack([(_waves(value) * value).sum() for value in learned]).sum()
            gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    module.train().train(before)
    return [o.detach() for o in outputs], [torch.zeros(()) if g is None else g for g in gradients]


def _waves(value: Tensor) -> Tensor:
    count = torch.arange(value.numel(), device=value.device, dtype=value.dtype)
    return torch.cos(count).view(value.shape)


def _difference(expected: list[Tensor], found: list[Tensor]) -> float:
    """The largest difference, relative to the largest value where that is above 1."""
    if [(e.shape, e.dtype) for e in expected] != [(f.shape, f.dtype) for f in found]:
        return float("inf")
    return max((_distance(e, f) for e, f in zip(expected, found, strict=True)), default=0.0)


def _distance(expected: Tensor, found: Tensor) -> float:
    """Infinite where integers differ, or where only one side is finite."""
    if not expected.is_floating_point():
        return 0.0 if torch.equal(expected, found) else float("inf")
    finite = expected.isfinite()
    if not torch.equal(expected[~finite].nan_to_num(), found[~finite].nan_to_num()):
        return float("inf")
    e, f = expected[finite], found[finite]
    if not e.numel():
        return 0.0
    return float((e - f).abs().nan_to_num(float("inf")).max() / e.abs().max().clamp(min=1.0))
