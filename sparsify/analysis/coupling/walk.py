"""One pass over the graph, in order, that finds the labels of every value."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from sparsify.analysis.coupling.ids import Ids
from sparsify.analysis.coupling.labels import NONE, Labels, along, varying
from sparsify.analysis.coupling.seen import Aligned, Seen
from sparsify.analysis.coupling.sizes import Shape, Sizes, Unsized
from sparsify.analysis.flow import Flow
from sparsify.dropout import Switched
from sparsify.outputs import output_names
from sparsify.program import Program

Several = Labels | list[Labels]
Rule = Callable[["Walk", fx.Node], Several]
RULES: dict[object, Rule] = {}
"""Operation -> how ids flow through it."""
MISFITS = (RuntimeError, LookupError, ValueError, TypeError, AssertionError)
"""What a rule, or torch for it, raises of a call that it was not made for."""


def rule(*targets: object) -> Callable[[Rule], Rule]:
    """Registers how ids flow through `targets`."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(targets, function))
        return function

    return register


class Walk:
    """Labels while they are found."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ids = Ids()
        self.sizes = Sizes(program)
        self.flow = Flow(program)
        self.labels: dict[fx.Node, Several] = {}
        self.sources: dict[fx.Node, list[Tensor]] = {}
        """What is stored or made from literals -> its ids, axis by axis; none for an axis of 1."""
        self.seen = Seen()
        self._batches = _batches(program)
        self._opaque: dict[Tensor, str] = {
            parameter: name
            for name in program.origin.opaque
            for parameter in program.module.get_submodule(name).parameters()
        }
        for node in program.graph.nodes:
            self.labels[node] = self._visit(node)

    def of(self, argument: object) -> Labels:
        """The labels of one tensor; none for anything else."""
        found = self.labels.get(argument, NONE) if isinstance(argument, fx.Node) else NONE
        return found if isinstance(found, Labels) else NONE

    def source(self, node: fx.Node, shape: Shape, literal: Sequence[bool]) -> Labels:
        """Fresh ids for the axes of what is stored, as far as their sizes are literal."""
        ids = [
            self.ids.fresh(size) if size > 1 and fixed else torch.zeros(0, dtype=torch.int64)
            for size, fixed in zip(shape, literal, strict=True)
        ]
        self.sources[node] = ids
        layers = [along(each, axis, shape) for axis, each in enumerate(ids) if len(each)]
        return Labels(tuple(layers), stored=True) if layers else NONE

    def refuse(self, node: fx.Node, reason: str) -> Labels:
        """Freeze all that flows into `node`."""
        for each in node.all_input_nodes:
            for labels in _listed(self.labels.get(each, NONE)):
                for layer in labels.layers:
                    self.ids.freeze(layer, reason)
        return NONE

    def align(self, node: fx.Node, operand: object, base: Tensor) -> None:
        """Note an operand that is not computed of channels: it is narrowed where `base` is."""
        labels = self.of(operand)
        if not isinstance(operand, fx.Node) or (labels.layers and not labels.stored):
            return
        if isinstance(operand.meta.get("val"), Tensor):
            shape = self.sizes.shape(operand)
            offset = base.ndim - len(shape)
            if any(dim >= offset and shape[dim - offset] > 1 for dim in varying(base)):
                self.seen.aligned.append(Aligned(node, operand, base))

    def is_tokenwise(self, activation: fx.Node) -> bool:
        """Whether a product reads `activation` more than once for each example."""
        rows = 1
        for size in activation.meta["val"].shape[:-1]:
            rows = rows * size
        return str(rows) not in self._batches

    def _visit(self, node: fx.Node) -> Several:
        if node.op == "get_attr":
            stored = operator.attrgetter(str(node.target))(self.program.module)
            if not isinstance(stored, Tensor):
                return NONE
            labels = self.source(node, tuple(stored.shape), [True] * stored.ndim)
            if stored in self._opaque:
                for layer in labels.layers:
                    self.ids.freeze(layer, f"is read inside {self._opaque[stored]} too")
            return labels
        if node.op == "output":
            return self._leave(node)
        if node.op == "placeholder":
            return NONE
        target: object = node.target
        if node.target in self.program.origin.opaque:
            return self.refuse(node, f"goes through the opaque submodule {node.target}")
        if node.op == "call_module":
            part = self.program.module.get_submodule(str(node.target))
            target = part.operator if isinstance(part, Switched) else type(part)
        try:
            self.sizes.bind(node)
            return self._flow(node, target)
        except Unsized:
            return self.refuse(node, f"has a size that depends on values, at {named(node)}")
        except MISFITS:
            return self.refuse(node, f"goes through {named(node)} in a way that no rule describes")

    def _flow(self, node: fx.Node, target: object) -> Several:
        if target in CREATING:
            return CREATING[target](self, node)
        inputs = [labels for each in node.all_input_nodes for labels in self._inputs(each)]
        if not any(labels.layers for labels in inputs):
            return NONE
        found = RULES.get(target)
        if found is None and is_pointwise(target):
            found = RULES[torch.Tag.pointwise]
        if isinstance(node.meta.get("val"), int | torch.SymInt):
            return NONE
        if found is None:
            return self.refuse(node, f"goes through {named(node)}, which no rule describes")
        return found(self, node)

    def _inputs(self, node: fx.Node) -> list[Labels]:
        return _listed(self.labels[node])

    def _leave(self, node: fx.Node) -> Labels:
        leaves = pytree.tree_leaves(node.args[0])
        names = output_names(self.program)
        for number, leaf in enumerate(leaves):
            name = names[number] if len(names) == len(leaves) else f"output_{number}"
            for layer in self.of(leaf).layers:
                self.ids.freeze(layer, f"reaches the output `{name}`")
        return NONE


CREATING: dict[object, Rule] = {}
"""Operations that make a tensor from literals."""


def named(node: fx.Node) -> str:
    """An operation as people know it: `aten.gather`."""
    return str(node.target).removesuffix(".default")


def is_pointwise(target: object) -> bool:
    """Whether torch says that each position of the result depends on that position alone."""
    return isinstance(target, torch._ops.OpOverload) and torch.Tag.pointwise in target.tags


def _listed(found: Several) -> list[Labels]:
    return [found] if isinstance(found, Labels) else found


def _batches(program: Program) -> set[str]:
    """The sizes, as text, of the dimension that counts examples."""
    return {
        str(node.meta["val"].shape[dim])
        for node in program.graph.find_nodes(op="placeholder")
        for dim, name in program.dynamic.get(str(node.target), {}).items()
        if name == "batch"
    }
