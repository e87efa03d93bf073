"""Remove products that no longer depend on their input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import fx

from sparsify.analysis.products import Product, products
from sparsify.errors import Problem
from sparsify.program import Edit, Program, aten
from sparsify.surgery.leftovers import sweep

BIAS: dict[object, int | None] = {
    aten.linear.default: 2,
    aten.addmm.default: 0,
    aten.baddbmm.default: 0,
    aten.mm.default: None,
    aten.bmm.default: None,
    aten.matmul.default: None,
}
"""Product -> where its bias stands among its arguments."""


def make_constant(program: Program, weights: Sequence[str]) -> None:
    """Put the bias in the place of every product with one of `weights`, in place.

    What only such a product read is removed: an attention whose output weight is zero is gone.

    Raises:
        Problem: a weight is not zero, or no product of it can be replaced.
    """
    for name in weights:
        if bool(program.effective(name).any()):
            raise Problem(f"{name!r} is not zero, so its product is no constant")
    replace_products(program, weights)


def replace_products(program: Program, weights: Sequence[str]) -> None:
    """The same for weights that will be zero: a recorded edit comes before the trained weights."""
    uses = [use for use in products(program) if use.weight in weights]
    if missing := set(weights) - {use.weight for use in uses}:
        raise Problem(f"{min(missing)!r} is the weight of no product")
    for use in uses:
        if use.node.target not in BIAS:
            raise Problem(f"{use.weight!r} is read by {use.node.target}, which has no plain bias")
    for use in uses:
        constant = _constant(program, use)
        constant.meta = dict(use.node.meta)
        use.node.replace_all_uses_with(constant)
        program.graph.erase_node(use.node)
    sweep(program)
    program.edits.append(Edit("make-constant", list(weights)))


def _constant(program: Program, use: Product) -> fx.Node:
    """The bias, or zero, in the shape of the product."""
    node, value = use.node, use.node.meta["val"]
    position = BIAS[node.target]
    bias = node.args[position] if position is not None and len(node.args) > position else None
    with program.graph.inserting_before(node):
        sizes = [_size(program, node, size) for size in value.shape]
        if isinstance(bias, fx.Node):
            return program.graph.call_function(aten.expand.default, (bias, sizes))
        device = program.tensor(use.weight).device
        options = {"dtype": value.dtype, "device": device}
        return program.graph.call_function(aten.zeros.default, (sizes,), options)


def _size(program: Program, node: fx.Node, size: int | torch.SymInt) -> int | fx.Node:
    """A size, asked of the first value that has it."""
    if isinstance(size, int):
        return size
    each: fx.Node
    for each in program.graph.nodes:
        value = each.meta.get("val")
        if isinstance(value, torch.SymInt) and str(value) == str(size):
            return each
        for dim, other in enumerate(value.shape if isinstance(value, torch.Tensor) else ()):
            if str(other) == str(size):
                found = program.graph.call_function(aten.sym_size.int, (each, dim))
                found.meta["val"] = size
                return found
    raise Problem(f"no value before %{node.name} has the size {size}")
