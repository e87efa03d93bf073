"""What flows into the weights of a program on its samples, measured where the program runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, fx

from sparsify.analysis.products import Product, products
from sparsify.errors import Problem
from sparsify.program import Program, aten
from sparsify.statistics.samples import pieces, samples
from sparsify.statistics.wave import Wave

ROWWISE = {
    aten.linear.default,
    aten.matmul.default,
    aten.mm.default,
    aten.addmm.default,
}
"""Products of rows of inputs with a matrix, where the weight comes second."""


@dataclass(frozen=True)
class Inflow:
    """The inputs of one product, which are computed batch by batch when they are asked for."""

    weight: str
    axis: int
    """The axis of the weight along which it reads them."""
    last: bool
    """Whether the weight is used by no further product."""
    rows: Callable[[], Iterator[Tensor]]
    """f32[rows, in] for each batch, without padding."""

    def squares(self) -> Tensor:
        """f32[in]: the sum of squares of each input, ||x_j||^2."""
        return torch.stack([rows.square().sum(0) for rows in self.rows()]).sum(0)

    def gram(self) -> Tensor:
        """f32[in, in]: X^T X, for the rows X of all batches."""
        each = self.rows()
        first = next(each)
        total = first.T @ first
        del first
        for rows in each:
            total.addmm_(rows.T, rows)
        return total


def inflows(
    program: Program,
    weights: Collection[str],
    batches: tuple[Mapping[str, Tensor], ...] | None = None,
) -> Iterator[Inflow]:
    """The inputs of every product of `weights`, in graph order, just before it is computed.

    The program runs in eval mode, and whatever is written into a weight when its inputs are yielded
    is what all later nodes are computed with. Between two products only the values of the narrowest
    place are kept for all batches; the others are computed from them, for few rows at a time.
    With `batches` these are run instead.

    Raises:
        Problem: there are no samples, or a weight is not multiplied with rows of inputs.
    """
    uses = _uses(program, weights)
    left = Counter(use.weight for use in uses.values())
    batches = batches or pieces(program)
    training = program.module.training
    program.module.eval()
    try:
        wave = Wave(program, batches)
        for node in wave.nodes:
            if node in uses:
                use = uses[node]
                left[use.weight] -= 1
                wave.settle(node)
                rows = partial(_rows, wave, use, tokens(program, use, batches))
                yield Inflow(use.weight, use.reads[0], not left[use.weight], rows)
    finally:
        program.module.train(training)


def _uses(program: Program, weights: Collection[str]) -> dict[fx.Node, Product]:
    if strange := unmeasured(program, weights):
        name, why = next(iter(strange.items()))
        raise Problem(f"the inputs of {name!r} cannot be measured: {why}")
    return {use.node: use for use in products(program) if use.weight in weights}


def _rows(wave: Wave, use: Product, kept: list[Tensor | None]) -> Iterator[Tensor]:
    for values, chosen in zip(wave.reach(use.node), kept, strict=True):
        yield flat(values.pop(use.activation), chosen)


def flat(value: Tensor, kept: Tensor | None) -> Tensor:
    """f32[rows, in] of f[..., in]: those that are `kept`, b8[rows]; None: all."""
    rows = value.reshape(-1, value.shape[-1]).float()
    return rows if kept is None else rows[kept]


def unmeasured(program: Program, weights: Collection[str]) -> dict[str, str]:
    """Weight -> why its inputs cannot be measured, for those of `weights` that this is true of."""
    known: dict[str, list[Product]] = {}
    for use in products(program):
        known.setdefault(use.weight, []).append(use)
    return {
        name: "it multiplies no rows of inputs"
        for name in weights
        if not all(is_rowwise(program, use) for use in known.get(name, [])) or name not in known
    }


def input_norms(program: Program, weights: Collection[str]) -> dict[str, Tensor]:
    """Weight -> ||x_j||_2 over all samples and tokens, f32[1, in] or [in, 1] as the weight lies."""
    batches = samples(program)
    # all of them now: small tensors that stay, between large ones that go, break memory up
    total = {
        use.weight: torch.zeros_like(
            program.tensor(use.weight).narrow(1 - use.reads[0], 0, 1),
            dtype=torch.float32,
            requires_grad=False,
        )
        for use in _uses(program, weights).values()
    }
    # nothing is written in between, so that one batch after another takes the least memory
    for batch in batches:
        for inflow in inflows(program, weights, (batch,)):
            total[inflow.weight] += inflow.squares().unsqueeze(1 - inflow.axis)
    return {name: squares.sqrt_() for name, squares in total.items()}


def is_rowwise(program: Program, use: Product) -> bool:
    weight = program.tensor(use.weight)
    is_whole = math.prod(use.operand.meta["val"].shape) == weight.numel()
    operands = use.node.all_input_nodes
    return (
        use.node.target in ROWWISE
        and weight.ndim == 2
        and len(use.reads) == 1
        and is_whole
        and operands.index(use.activation) < operands.index(use.operand)
    )


def tokens(
    program: Program, use: Product, batches: tuple[Mapping[str, Tensor], ...]
) -> list[Tensor | None]:
    """For each batch, which rows of the product's inputs are tokens; None: there is no padding."""
    rows = str(math.prod(use.activation.meta["val"].shape[:-1])).split("*")
    for node in program.graph.find_nodes(op="placeholder"):
        sizes = node.meta["val"].shape
        is_mask = str(node.target).endswith("attention_mask") and len(sizes) == 2
        # batch sizes are always equal, though their symbols may differ
        if is_mask and len(rows) == 2 and str(sizes[1]) in rows:
            masks = [batch[str(node.target)].flatten().to(torch.bool) for batch in batches]
            return [None if bool(mask.all()) else mask for mask in masks]
    return [None] * len(batches)
