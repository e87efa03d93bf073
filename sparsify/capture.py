"""nn.Module -> Program: the only file that calls torch.export to capture a model."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import Dim

from sparsify.dropout import make_switchable
from sparsify.errors import Problem
from sparsify.program import Program, aten

CHECKS = {
    aten._assert_tensor_metadata.default,
    aten._assert_scalar.default,
    aten.sym_constrain_range.default,
    aten.sym_constrain_range_for_size.default,
}
"""Calls that only assert what held for the example inputs."""


def capture(
    model: nn.Module, inputs: Mapping[str, Tensor], dynamic: Mapping[str, Mapping[int, str]]
) -> Program:
    """The program of `model`, in train mode, switchable with `.train()` and `.eval()`.

    The program's parameters are the model's own objects, under the model's own names; a tied
    weight has one node and one name.

    Args:
        model: any module that can be called with `inputs` by name.
        inputs: example inputs; batch at least 2, and no two dynamic dimensions of the same size.
        dynamic: the dimensions of each input that may vary, by name.

    Raises:
        Problem: the model cannot be traced.
    """
    training = model.training
    model.train()
    try:
        with _without_cache(model):
            exported = _export(model, inputs, dynamic)
    finally:
        model.train(training)
    module = exported.module(check_guards=False)
    assert isinstance(module, fx.GraphModule)
    _drop_checks(module)
    _own_names(module, model)
    make_switchable(module)
    module.train(training)
    return Program(module, dict(inputs), {name: dict(dims) for name, dims in dynamic.items()})


def _export(
    model: nn.Module, inputs: Mapping[str, Tensor], dynamic: Mapping[str, Mapping[int, str]]
) -> torch.export.ExportedProgram:
    """Export with every named dimension symbolic; where the model fixes one, let it."""
    failure: Exception | None = None
    for size in (Dim.DYNAMIC, Dim.AUTO):
        shapes = {name: dict.fromkeys(dynamic.get(name, {}), size) for name in inputs}
        try:
            return torch.export.export(
                model, (), kwargs=dict(inputs), dynamic_shapes=shapes, strict=False
            )
        except (
            RuntimeError,
            ValueError,
            TypeError,
            torch._dynamo.exc.TorchDynamoException,
        ) as error:
            failure = failure or error
    raise Problem(
        f"{type(model).__name__} cannot be captured: {str(failure).strip().partition(chr(10))[0]}",
        hint="its forward must not branch on values of tensors",
    ) from failure


@contextmanager
def _without_cache(model: nn.Module) -> Iterator[None]:
    """Turn off key-value caches, which are no tensors and cannot leave a graph."""
    # sub-models may hold copies of their own
    configs: list[Any] = [getattr(part, "config", None) for part in model.modules()]
    cached = {id(config): config for config in configs if getattr(config, "use_cache", False)}
    for config in cached.values():
        config.use_cache = False
    try:
        yield
    finally:
        for config in cached.values():
            config.use_cache = True


def _drop_checks(module: fx.GraphModule) -> None:
    """Remove guards, assertions and hooks: what remains is a plain module that owns a graph."""
    for part in (m for m in module.modules() if isinstance(m, fx.GraphModule)):
        for node in list(part.graph.nodes):
            if node.target in CHECKS or (node.op == "call_module" and node.target == "_guards_fn"):
                part.graph.erase_node(node)
        part.graph.eliminate_dead_code()
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


def _own_names(module: fx.GraphModule, model: nn.Module) -> None:
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
    module.recompile()
