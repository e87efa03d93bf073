"""A run of a program on several batches, each node for all of them before the next node."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx

from sparsify.program import Program
from sparsify.statistics.samples import inputs


class Wave:
    """A run of a program on several batches, node by node instead of batch by batch."""

    def __init__(self, program: Program, batches: tuple[Mapping[str, Tensor], ...]) -> None:
        self.interpreter = fx.Interpreter(program.module, garbage_collect_values=False)
        everything = list(program.graph.nodes)
        places = {str(node.target): node for node in everything if node.op == "placeholder"}
        self.environments: list[dict[fx.Node, Any]] = [
            {places[name]: value for name, value in inputs(batch).items()} for batch in batches
        ]
        varying = set(places.values())
        self.nodes: list[fx.Node] = []
        """What differs from batch to batch; the rest is computed where it is needed."""
        for node in everything:
            if node.users and varying & set(node.all_input_nodes):
                varying.add(node)
                self.nodes.append(node)
        last = {operand: node for node in self.nodes for operand in node.all_input_nodes}
        self.done: dict[fx.Node, list[fx.Node]] = {}
        for operand, node in last.items():
            self.done.setdefault(node, []).append(operand)

    def fork(self) -> Wave:
        """A run that goes on from here by itself; values that are there are shared."""
        found = copy.copy(self)
        found.environments = [dict(environment) for environment in self.environments]
        return found

    def values(self, node: fx.Node) -> list[Any]:
        """The value of `node` for each batch."""
        return [environment[node] for environment in self.environments]

    @torch.no_grad()
    def compute(self, node: fx.Node) -> None:
        """Compute `node` for each batch, and let go of what no later node reads."""
        shared: dict[fx.Node, Any] = {}
        for environment in self.environments:
            for operand in node.all_input_nodes:
                if operand not in environment:
                    environment[operand] = self._constant(operand, shared)
            environment[node] = self._run(node, environment)
            for operand in self.done.get(node, []):
                environment.pop(operand, None)
            for operand in shared:
                environment.pop(operand, None)

    def _constant(self, node: fx.Node, known: dict[fx.Node, Any]) -> Any:
        if node not in known:
            for operand in node.all_input_nodes:
                self._constant(operand, known)
            known[node] = self._run(node, known)
        return known[node]

    def _run(self, node: fx.Node, environment: dict[fx.Node, Any]) -> Any:
        self.interpreter.env = environment
        return self.interpreter.run_node(node)
