"""Read values from the middle of a program without changing what it computes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import fx
from torch.utils import _pytree as pytree

from sparsify.analysis.blocks import blocks
from sparsify.analysis.branches import Anatomy
from sparsify.analysis.flow import inputs_behind
from sparsify.analysis.operations import attends
from sparsify.analysis.products import products
from sparsify.errors import Problem, unknown
from sparsify.opened import opened
from sparsify.outputs import OUTPUT, output_names
from sparsify.program import Program, aten
from sparsify.tasks import SPAN

TAPS = {
    "logits": "what the program returns: [batch, classes], [batch, tokens, classes], or "
    "[batch, 2, tokens] of the starts and ends of answers",
    "pooled": "[batch, width], what the last product turns into logits for a whole row",
    "hidden": "[batch, tokens, width], the last hidden state",
    "cls": "[batch, width], the last hidden state of the first token",
    "mean": "[batch, width], the mean of the last hidden state over the tokens attended to",
    "hidden.<i>": "[batch, tokens, width], the state after layer i; hidden.0 goes into the first",
    "attention.<i>": "[batch, heads, tokens, tokens], the probabilities of attention i, from 0",
    "scores.<i>": "[batch, heads, tokens, tokens], what softmax makes them from",
}
"""The values that can be read, with their shapes.

Layers are counted through all stacks of layers: the states of a decoder, its first one included,
follow those of the encoder. Attentions are counted in the order of the program, cross-attention
included. Where a model keeps its axes in another order, values have that order.
"""


def tapped(program: Program, names: Sequence[str], *, outputs: bool = False) -> fx.GraphModule:
    """A module that shares the program's tensors and returns `{name: value}` for `names`.

    With `outputs` there is everything too that the program returns, for `program_output`.

    Raises:
        Problem: the program has no such value.
    """
    nodes = {name: tap(program, name) for name in names}
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    graph.graph_copy(program.graph, copies)
    values = {name: copies[node] for name, node in nodes.items()}
    if "logits" in values and (ends := span_logits(program)):
        both = [copies[node] for node in ends]
        values["logits"] = graph.call_function(aten.stack.default, (both, 1))
    if "cls" in values:
        values["cls"] = graph.call_function(aten.select.int, (values["cls"], 1, 0))
    if "mean" in values:
        values["mean"] = _mean(graph, values["mean"])
    if outputs:
        leaves = fx.node.map_arg(pytree.tree_leaves(program.output.args[0]), copies.__getitem__)
        values |= {f"{OUTPUT}{place}": leaf for place, leaf in enumerate(leaves)}
    graph.output(values)
    graph.eliminate_dead_code(_stays)
    module = fx.GraphModule(program.module, graph)
    _open_attention(module, values)
    return module.train(program.module.training)


def _stays(node: fx.Node) -> bool:
    """Whether a node is kept though nothing reads it: inputs, outputs, what writes in place."""
    schema = getattr(node.target, "_schema", None)
    return node.op in ("placeholder", "output") or (schema is not None and schema.is_mutable)


def _open_attention(module: fx.GraphModule, values: dict[str, fx.Node]) -> None:
    """Write out the attentions that are tapped, which have neither scores nor probabilities."""
    fused = dict.fromkeys(node for node in values.values() if attends(node))
    parts = {node: opened(module, node, f"opened_{i}") for i, node in enumerate(fused)}
    for name, node in values.items():
        if node in parts:
            _, scores, probabilities = parts[node]
            values[name] = scores if name.startswith("scores.") else probabilities
    module.graph.output_node().args = (values,)
    for node in fused:
        module.graph.erase_node(node)
    module.recompile()


def tap(program: Program, name: str) -> fx.Node:
    """The node that the value called `name` is read from; the names are those of `TAPS`.

    Raises:
        Problem: the program has no such value.
    """
    match name:
        case "logits":
            return _logits(program)
        case "pooled":
            return _pooled(program)
        case "hidden" | "cls" | "mean":
            return _hidden(program)
    kind, _, number = name.partition(".")
    if f"{kind}.<i>" not in TAPS or not number.isdecimal():
        raise unknown("tap", name, TAPS)
    found = _states(program) if kind == "hidden" else _attentions(program, kind)
    if int(number) < len(found):
        return found[int(number)]
    last = f"the last is {kind}.{len(found) - 1}" if found else "no layer was found in it"
    raise Problem(f"the model has no {name}", hint=last)


def _states(program: Program) -> list[fx.Node]:
    """What goes into the first layer of every stack, and what comes out of each layer."""
    found: list[fx.Node] = []
    for block in blocks(program):
        found += [block.output] if block.input in found[-1:] else [block.input, block.output]
    return found


def _attentions(program: Program, kind: str) -> list[fx.Node]:
    """The nodes of scores or probabilities; the attention itself where it is one operation."""
    return [
        (site.scores if kind == "scores" else site.probabilities) or site.result
        for site in program.remember(Anatomy).attentions
    ]


def span_logits(program: Program) -> list[fx.Node]:
    """The nodes of the starts' and the ends' logits, [batch, tokens] each; empty: it has none."""
    found = _outputs(program)
    return [found[name] for name in SPAN] if all(name in found for name in SPAN) else []


def _outputs(program: Program) -> dict[str, fx.Node]:
    leaves = pytree.tree_leaves(program.output.args[0])
    return dict(zip(output_names(program), leaves, strict=True))


def _logits(program: Program) -> fx.Node:
    found = _outputs(program)
    node = next(iter(span_logits(program)), None) or found.get("logits", next(iter(found.values())))
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
    raise Problem("the model has no pooled representation", hint="use `cls` or `mean`")


def _hidden(program: Program) -> fx.Node:
    uses = {use.node: use for use in products(program)}
    behind = list(inputs_behind(_logits(program)))
    if span_logits(program):
        # both are cut out of one product, and the cuts have three dimensions, too
        behind = behind[next((i for i, node in enumerate(behind) if node in uses), 0) :]
    for node in behind:
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
