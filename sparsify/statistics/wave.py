"""A run of a program on several batches that stops before chosen nodes and keeps little there."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from sparsify.analysis.flow import inputs_behind
from sparsify.program import Program
from sparsify.statistics.heap import give_back
from sparsify.statistics.samples import inputs

Values = dict[fx.Node, Any]
"""What is known of one batch: the value of every node that a later one reads."""


class Wave:
    """A run of a program on several batches, all of which have come to the same place."""

    def __init__(self, program: Program, batches: tuple[Mapping[str, Tensor], ...]) -> None:
        self.interpreter = fx.Interpreter(program.module, garbage_collect_values=False)
        everything = list(program.graph.nodes)
        places = {str(node.target): node for node in everything if node.op == "placeholder"}
        self.batches: list[Values] = [
            {places[name]: value for name, value in inputs(batch).items()} for batch in batches
        ]
        varying = set(places.values())
        self.nodes: list[fx.Node] = []
        """What differs from batch to batch; the rest is computed where it is needed."""
        for node in everything:
            if node.users and varying & set(node.all_input_nodes):
                varying.add(node)
                self.nodes.append(node)
        self.place_of = {node: place for place, node in enumerate(self.nodes)}
        self.shares = not any(map(_writes_in_place, self.nodes))
        """Whether nodes can be computed again: no call changes what it reads."""
        self.place = 0
        """The first of `nodes` that is not computed yet."""
        self._settled = 0
        last = {operand: node for node in self.nodes for operand in node.all_input_nodes}
        self._done: dict[fx.Node, list[fx.Node]] = {}
        for operand, node in last.items():
            self._done.setdefault(node, []).append(operand)

    def fork(self) -> Wave:
        """A run that goes on from here by itself; values that are there are shared."""
        found = copy.copy(self)
        found.batches = [dict(values) for values in self.batches]
        return found

    def advance(self, place: int) -> None:
        """Compute what stands before `place`, one batch after another."""
        for values in self.batches:
            self._walk(values, self.nodes[self.place : place])
        self.place = place

    def settle(self, node: fx.Node) -> None:
        """Go on to where the least has to be kept, between the last such `node` and this one."""
        first, target = max(self._settled, self.place), self.place_of[node]
        self._settled = target
        give_back()
        if not self.shares or len(self.batches) == 1:
            self.advance(target)
            return
        probe = dict(self.batches[0])
        self._walk(probe, self.nodes[self.place : first])
        best, least = first, _size_bytes(probe)
        for place in range(first, target):
            self._walk(probe, self.nodes[place : place + 1])
            if (size := _size_bytes(probe)) <= least:
                best, least = place + 1, size
        self.advance(best)

    def reach(self, node: fx.Node, *others: fx.Node) -> Iterator[Values]:
        """What `node` reads, and `others` before it, for each batch; the run stays where it is.

        Only what leads to them is computed, for one batch at a time, whenever it is asked for.
        """
        behind = {each for wanted in (node, *others) for each in inputs_behind(wanted)}
        ahead = self.nodes[self.place : self.place_of[node]]
        for known in self.batches:
            values = dict(known)
            self._walk(values, [each for each in ahead if each in behind])
            yield values
            give_back()

    def passing(self, node: fx.Node, place: int) -> Iterator[Values]:
        """The same, but each batch goes on to `place` behind it when the next one is asked for."""
        target = self.place_of[node]
        for values in self.batches:
            self._walk(values, self.nodes[self.place : target])
            yield values
            self._walk(values, self.nodes[target:place])
        self.place = place

    @torch.no_grad()
    def _walk(self, values: Values, nodes: list[fx.Node]) -> None:
        """Compute `nodes`, and let go of what no later node reads."""
        for node in nodes:
            fixed: Values = {}
            for operand in node.all_input_nodes:
                if operand not in values:
                    values[operand] = self._constant(operand, fixed)
            values[node] = self._run(node, values)
            for operand in (*self._done.get(node, ()), *fixed):
                values.pop(operand, None)

    def _constant(self, node: fx.Node, known: Values) -> Any:
        if node not in known:
            for operand in node.all_input_nodes:
                self._constant(operand, known)
            known[node] = self._run(node, known)
        return known[node]

    def _run(self, node: fx.Node, values: Values) -> Any:
        self.interpreter.env = values
        return self.interpreter.run_node(node)


def _size_bytes(values: Values) -> int:
    """How much memory the tensors hold; what shares memory counts once."""
    storages = {
        leaf.untyped_storage().data_ptr(): leaf.untyped_storage().nbytes()
        for leaf in pytree.tree_leaves(list(values.values()))
        if isinstance(leaf, Tensor)
    }
    return sum(storages.values())


def _writes_in_place(node: fx.Node) -> bool:
    """Whether a call changes one of its operands."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and bool(schema.is_mutable)
