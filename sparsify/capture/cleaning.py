"""From what torch.export returns to a plain module: no checks, no hooks, the model's own names."""

from __future__ import annotations

import operator
from typing import Any

from torch import Tensor, fx, nn

from sparsify.program import aten

CHECKS = {
    aten._assert_tensor_metadata.default,
    aten._assert_scalar.default,
    aten.sym_constrain_range.default,
    aten.sym_constrain_range_for_size.default,
}
"""Calls that only assert what held for the example inputs."""


def drop_checks(module: fx.GraphModule) -> None:
    """Remove guards, assertions and hooks: what remains is a plain module that owns a graph.

    Only the graphs inside it are compiled: its own is edited further.
    """
    for part in (m for m in module.modules() if isinstance(m, fx.GraphModule)):
        for node in list(part.graph.nodes):
            if node.target in CHECKS or (node.op == "call_module" and node.target == "_guards_fn"):
                part.graph.erase_node(node)
        part.graph.eliminate_dead_code()
        if part is not module:
            part.recompile()
    if hasattr(module, "_guards_fn"):
        del module._guards_fn
    for hooks in ("_forward_pre_hooks", "_forward_hooks"):
        for suffix in ("", "_with_kwargs"):
            getattr(module, hooks + suffix).clear()
    for owner in module.modules():
        # torch.export leaves methods on the instance that refuse to switch modes
        for name in ("train", "eval", "validate_inputs"):
            owner.__dict__.pop(name, None)


def own_names(module: fx.GraphModule, model: nn.Module) -> None:
    """Point every `get_attr` of a parameter to the name that the model gives it, once."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    first: dict[str, fx.Node] = {}
    for node in list(module.graph.find_nodes(op="get_attr")):
        tensor = operator.attrgetter(str(node.target))(module)
        node.target = names.get(id(tensor), str(node.target))
        if not node.users:
            module.graph.erase_node(node)
        elif isinstance(tensor, Tensor) and str(node.target) in first:
            node.replace_all_uses_with(first[str(node.target)])
            module.graph.erase_node(node)
        else:
            first[str(node.target)] = node
    _drop_unused_tensors(module, keep=set(first))


def _drop_unused_tensors(module: fx.GraphModule, keep: set[str]) -> None:
    owned: dict[str, Any] = dict(module.named_parameters(remove_duplicate=False))
    owned |= dict(module.named_buffers(remove_duplicate=False))
    for name in owned.keys() - keep:
        owner, _, leaf = name.rpartition(".")
        delattr(module.get_submodule(owner), leaf)
