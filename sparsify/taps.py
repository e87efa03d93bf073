"""Read values from the middle of a program without changing what it computes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import fx
from torch.utils import _pytree as pytree

from sparsify.analysis.products import inputs_behind, products
from sparsify.errors import Problem, unknown
from sparsify.program import Program, aten

TAPS = {
    "logits": "[batch, classes], what the program returns",
    "pooled": "[batch, width], what the last product turns into logits",
    "hidden": "[batch, tokens, width], the last hidden state",
    "cls": "[batch, width], the last hidden state of the first token",
    "mean": "[batch, width], the mean of the last hidden state over the tokens attended to",
}
"""The values that can be read, with their shapes."""


def tapped(program: Program, names: Sequence[str]) -> fx.GraphModule:
    """A module that shares the program's tensors and returns `{name: value}` for `names`.

    Raises:
        Problem: the program has no such value.
    """
    nodes = {name: tap(program, name) for name in names}
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    graph.graph_copy(program.graph, copies)
    values = {name: copies[node] for name, node in nodes.items()}
    if "cls" in values:
        values["cls"] = graph.call_function(aten.select.int, (values["cls"], 1, 0))
    if "mean" in values:
        values["mean"] = _mean(graph, values["mean"])
    graph.output(values)
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
    module = fx.GraphModule(program.module, graph)
    return module.train(program.module.training)


def output_names(program: Program) -> list[str]:
    """A name for every value that the program returns: its field, or `output_0`, `output_1`..."""
    codegen = program.graph._codegen
    leaves = pytree.tree_leaves(program.output.args[0])
    if isinstance(codegen, fx.graph._PyTreeCodeGen):
        spec = codegen.pytree_info.out_spec
        if spec is not None and spec.num_leaves == len(leaves):
            whole = pytree.tree_unflatten(list(range(len(leaves))), spec)
            if hasattr(whole, "items"):
                return [name for name, _ in whole.items()]
    return ["logits"] if len(leaves) == 1 else [f"output_{i}" for i in range(len(leaves))]


def tap(program: Program, name: str) -> fx.Node:
    """The node that the value called `name` is read from; the names are those of `TAPS`."""
    match name:
        case "logits":
            return _logits(program)
        case "pooled":
            return _pooled(program)
        case "hidden" | "cls" | "mean":
            return _hidden(program)
    raise unknown("tap", name, TAPS)


def _logits(program: Program) -> fx.Node:
    leaves = pytree.tree_leaves(program.output.args[0])
    found = dict(zip(output_names(program), leaves, strict=True))
    node = found.get("logits", leaves[0])
    assert isinstance(node, fx.Node)
    return node


def _pooled(program: Program) -> fx.Node:
    uses = {use.node: use for use in products(program)}
    for node in inputs_behind(_logits(program)):
        if node in uses:
            activation = uses[node].activation
            if activation.meta["val"].ndim == 2:
                return activation
            break
    raise Problem("the model has no pooled representation", hint="use `hidden` or `mean`")


def _hidden(program: Program) -> fx.Node:
    uses = {use.node: use for use in products(program)}
    for node in inputs_behind(_logits(program)):
        value = node.meta.get("val")
        is_state = isinstance(value, torch.Tensor) and value.ndim == 3 and value.is_floating_point()
        if is_state and node not in uses:
            return node
    raise Problem("the model has no hidden state of shape [batch, tokens, width]")


def _mean(graph: fx.Graph, hidden: fx.Node) -> fx.Node:
    """The mean over the tokens that the attention mask has on, or over all where there is none."""
    masks = [n for n in graph.find_nodes(op="placeholder") if n.target == "attention_mask"]
    if not masks:
        return graph.call_function(aten.mean.dim, (hidden, [1]))
    mask = graph.call_function(aten.unsqueeze.default, (masks[0], -1))
    mask = graph.call_function(aten.type_as.default, (mask, hidden))
    kept = graph.call_function(aten.mul.Tensor, (hidden, mask))
    total = graph.call_function(aten.sum.dim_IntList, (kept, [1]))
    return graph.call_function(
        aten.div.Tensor, (total, graph.call_function(aten.sum.dim_IntList, (mask, [1])))
    )
