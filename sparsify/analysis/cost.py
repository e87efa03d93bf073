"""What a program costs: parameters, zeros, bytes, and multiply-accumulates at given sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import fx

from sparsify.analysis.products import products
from sparsify.dropout import SDPA, Attention
from sparsify.program import MASK, Program, aten
from sparsify.report import Cost

BETWEEN = (aten.matmul.default, aten.bmm.default)
"""Products that may have no weight at all."""


def cost(program: Program, *, batch: int = 1, sequence: int = 128) -> Cost:
    """The cost of one forward pass over `batch` examples of `sequence` tokens.

    Multiply-accumulates are those of weight products and of attention; zeros of weights and of
    masks need none. Bytes are those of the parameters, stored dense.
    """
    sizes = _sizes(program, {"batch": batch, "sequence": sequence})
    kept = {name: _kept(program, name) for name in {use.weight for use in products(program)}}
    dense = used = 0
    uses = products(program)
    for use in uses:
        rows = math.prod(_shape(use.node, sizes)[:-1])
        numbers = program.tensor(use.weight).numel()
        dense += rows * numbers
        used += rows * kept[use.weight]
    weighted = {use.node for use in uses}
    attention = sum(
        _attention(node, sizes) for node in program.graph.nodes if _attends(program, node)
    ) + sum(
        _between(node, sizes)
        for node in program.graph.nodes
        if node.target in BETWEEN and node not in weighted
    )
    parameters = list(program.module.parameters())
    return Cost(
        batch=batch,
        sequence=sequence,
        parameters=program.parameter_count(),
        zeros=sum(program.tensor(name).numel() - count for name, count in kept.items()),
        dense_macs=dense + attention,
        macs=used + attention,
        size_bytes=sum(p.numel() * p.element_size() for p in parameters),
    )


def _kept(program: Program, name: str) -> int:
    """How many numbers of a weight take part in products."""
    weight = program.tensor(name)
    if name in program.masks():
        weight = weight * program.tensor(name + MASK)
    return int(torch.count_nonzero(weight))


def _attends(program: Program, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(program.module.get_submodule(str(node.target)), Attention)
    return node.target is SDPA


def _attention(node: fx.Node, sizes: Mapping[Any, int]) -> int:
    """Scores and weighted values: [.., tokens, width] x [.., keys, width]."""
    query, key, value = (_shape(each, sizes) for each in node.all_input_nodes[:3])
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _between(node: fx.Node, sizes: Mapping[Any, int]) -> int:
    """A matrix product of two activations, as of attention that is written out."""
    return math.prod(_shape(node, sizes)) * _shape(node.all_input_nodes[0], sizes)[-1]


def _sizes(program: Program, wanted: Mapping[str, int]) -> dict[Any, int]:
    """Symbol -> size, for the named dimensions of the inputs."""
    found = {}
    for node in program.graph.find_nodes(op="placeholder"):
        for dim, name in program.dynamic.get(str(node.target), {}).items():
            size = node.meta["val"].shape[dim]
            if isinstance(size, torch.SymInt):
                found[size.node.expr] = wanted.get(
                    name, int(program.inputs[node.target].shape[dim])
                )
    return found


def _shape(node: fx.Node, sizes: Mapping[Any, int]) -> Sequence[int]:
    return [
        int(size.node.expr.subs(sizes)) if isinstance(size, torch.SymInt) else int(size)
        for size in node.meta["val"].shape
    ]
