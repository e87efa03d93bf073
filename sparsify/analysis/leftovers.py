"""Parameters that are no weight of a product: what reads them instead, and what that makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import fx

from sparsify.analysis.branches import Anatomy
from sparsify.analysis.flow import shape, values, walk
from sparsify.analysis.operations import factors
from sparsify.program import aten

LOOKUPS = {
    aten.embedding.default,
    aten.index.Tensor,
    aten.index_select.default,
    aten.gather.default,
}
NORMS: dict[object, tuple[int, int]] = {
    aten.layer_norm.default: (2, 3),
    aten.group_norm.default: (2, 3),
    aten.rms_norm.default: (2, 2),
    aten.batch_norm.default: (1, 2),
    aten.instance_norm.default: (1, 2),
}
"""Normalisation -> where its scale and its shift stand."""
COUNTS = {aten.arange.default, aten.arange.start, aten.arange.start_step, aten.cumsum.default}
SUMS = {aten.add.Tensor, aten.add_.Tensor, aten.sub.Tensor}
SCALES = {aten.mul.Tensor, aten.mul_.Tensor, aten.div.Tensor}
JOINS = {aten.cat.default, aten.stack.default}


@dataclass(frozen=True)
class Leftover:
    """What a parameter is, and why it is not pruned as a weight."""

    role: str
    reason: str


def leftover(anatomy: Anatomy, parameter: fx.Node) -> Leftover | None:
    """What the `get_attr` node of a parameter is read for, if not only as a product's weight.

    A look-up counts before all else.
    """
    found = [_reading(anatomy, *each) for each in _readers(anatomy, parameter)]
    tables = [each for each in found if each.role.startswith("embedding")]
    if not found or tables or len(shape(parameter)) > 1:
        return next(iter([*tables, *found]), None)
    return Leftover("vector", found[0].reason)


def _readers(anatomy: Anatomy, parameter: fx.Node) -> Iterator[tuple[fx.Node, fx.Node]]:
    """Each call that takes the parameter's numbers up, and the operand by which it gets them."""
    as_weight = {use.reader for use in anatomy.products.values() if use.attribute is parameter}
    waiting = [parameter]
    for carrier in waiting:
        for user in carrier.users:
            if user in as_weight:
                continue
            is_taken = user.target in LOOKUPS or factors(user) or _place(user, carrier)
            is_taken = is_taken or user.op == "output"
            if is_taken or not anatomy.flow.is_constant(user):
                yield user, carrier
            else:
                waiting.append(user)


def _reading(anatomy: Anatomy, reader: fx.Node, carrier: fx.Node) -> Leftover:
    if reader.target in LOOKUPS and reader.args[0] is carrier:
        role = "embedding.position" if _is_positional(anatomy, reader) else "embedding"
        return Leftover(role, "a table that is looked up by index")
    if factors(reader):
        return _factor(anatomy, reader, carrier)
    if place := _place(reader, carrier):
        scale, _ = NORMS[reader.target]
        part = "scale" if place == scale else "shift"
        return Leftover("vector", f"the {part} of a normalisation")
    if reader.target in SUMS:
        if len(shape(reader)) > 2 and shape(carrier)[1 - len(shape(reader)) :] == shape(reader)[1:]:
            return Leftover("embedding.position", "added as it is to every example")
        return Leftover("vector", "added element by element, as a bias")
    if reader.target in SCALES:
        return Leftover("vector", "multiplied element by element, as a scale")
    if reader.target in JOINS:
        return Leftover("other", "joined to every example as it is")
    if reader.op == "output":
        return Leftover("other", "returned as it is")
    if isinstance(reader.target, torch._ops.HigherOrderOperator):
        return Leftover("other", "read inside a part of the graph of its own")
    return Leftover("other", f"read by `{reader.target}`, which is no product")


def _factor(anatomy: Anatomy, product: fx.Node, carrier: fx.Node) -> Leftover:
    if carrier not in factors(product):
        return Leftover("vector", "a bias")
    use = anatomy.products.get(product)
    if carrier.op == "get_attr" or (use is not None and use.activation is carrier):
        return Leftover("other", "what a product reads, not its weight")
    return Leftover("other", "a weight is computed from it and others")


def _place(norm: fx.Node, carrier: fx.Node) -> int:
    """Where a normalisation takes `carrier` as its scale or shift; 0 where it does not."""
    places = NORMS.get(norm.target, ())
    return next((i for i in places if i < len(norm.args) and norm.args[i] is carrier), 0)


def _is_positional(anatomy: Anatomy, lookup: fx.Node) -> bool:
    """Whether the index counts places, whatever stands there."""
    index = [each for each in lookup.all_input_nodes if each is not lookup.args[0]]

    def step(node: fx.Node) -> list[fx.Node]:
        return values(node)[:1] if node.target in LOOKUPS else values(node)

    behind = list(walk(index, step))
    if any(node.target in COUNTS for node in behind):
        return True
    if not all(anatomy.flow.is_constant(node) for node in index):
        return False
    # a table of zeros, as for the kind of a token, counts nothing; on meta there are no values
    numbers = [anatomy.program.tensor(str(n.target)) for n in behind if n.op == "get_attr"]
    return any(each.is_meta or bool((each != each.flatten()[0]).any()) for each in numbers)
