"""A submodule as one call: an operator while torch.export looks, a submodule in the graph."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import SymInt, Tensor, fx, nn
from torch.utils import _pytree as pytree

from sparsify.capture.opaque import Call
from sparsify.errors import Problem

_CALLS: list[Call] = []
"""The calls of the capture that is under way, in the order in which they come."""
_INPUTS: list[Tensor] = []
"""The model's own inputs, as torch.export sees them."""
_GIVEN: dict[int, Any] = {}
"""Number of a call -> what it is given, nested, with marks in place of tensors and sizes."""
TENSOR, SIZE = object(), object()
CONSTANTS = (int, float, bool, str, torch.dtype, torch.device, type(None))


@torch.library.custom_op("sparsify::opaque", mutates_args=())
def _opaque(number: int, tensors: Sequence[Tensor], sizes: Sequence[int]) -> list[Tensor]:
    raise AssertionError("this operator exists only while a model is captured")


@_opaque.register_fake
def _shapes(number: int, tensors: Sequence[Tensor], sizes: Sequence[SymInt]) -> list[Tensor]:
    call, seen = _CALLS[number], [*tensors, *_INPUTS]
    found = []
    for result, (dtype, device) in enumerate(call.kinds):
        shape = [
            size if isinstance(size, int) else seen[size[0]].shape[size[1]]
            for size in call.sizes(result)
        ]
        found.append(torch.empty(shape, dtype=dtype, device=device))
    return found


@contextmanager
def as_operators(model: nn.Module, calls: Sequence[Call]) -> Iterator[None]:
    """Put an operator in place of what each submodule computes."""
    waiting = iter(range(len(calls)))
    modules = {call.name: model.get_submodule(call.name) for call in calls}

    def note(_: nn.Module, _args: Any, inputs: Mapping[str, Tensor]) -> None:
        _INPUTS[:] = inputs.values()

    handle = model.register_forward_pre_hook(note, with_kwargs=True) if calls else None
    try:
        _CALLS[:] = calls
        for module in modules.values():
            module.__dict__["forward"] = partial(_called, waiting)
        yield
    finally:
        if handle is not None:
            handle.remove()
        _INPUTS.clear()
        for module in modules.values():
            del module.__dict__["forward"]


def _called(waiting: Iterator[int], *args: Any, **kwargs: Any) -> Any:
    number = next(waiting)
    call = _CALLS[number]
    leaves, structure = pytree.tree_flatten((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    sizes = [leaf for leaf in leaves if isinstance(leaf, SymInt)]
    marked = [_mark(leaf, call.name) for leaf in leaves]
    _GIVEN[number] = pytree.tree_unflatten(marked, structure)
    found = iter(_opaque(number, tensors, sizes))
    out = [next(found) if isinstance(leaf, Tensor) else leaf for leaf in call.leaves]
    return pytree.tree_unflatten(out, call.structure)


def _mark(leaf: Any, name: str) -> Any:
    if isinstance(leaf, Tensor):
        return TENSOR
    if isinstance(leaf, SymInt):
        return SIZE
    if not isinstance(leaf, CONSTANTS):
        raise Problem(
            f"it is called with a {type(leaf).__name__}, which a graph cannot hold",
            where=f"capture.opaque: {name}",
            hint="name a larger submodule",
        )
    return leaf


def as_submodules(module: fx.GraphModule, model: nn.Module, calls: Sequence[Call]) -> None:
    """Call the model's own submodules where the operators stand, in place."""
    for node in list(module.graph.nodes):
        if node.target is not torch.ops.sparsify.opaque.default:
            continue
        number, tensors, sizes = node.args
        call = calls[number]
        args, kwargs = _filled(_GIVEN[number], iter(tensors), iter(sizes))
        module.add_submodule(call.name, model.get_submodule(call.name))
        with module.graph.inserting_before(node):
            made = module.graph.create_node("call_module", call.name, args, kwargs)
        leaves = iter(node.meta["val"])
        values = [next(leaves) if isinstance(leaf, Tensor) else leaf for leaf in call.leaves]
        made.meta = {**node.meta, "val": pytree.tree_unflatten(values, call.structure)}
        _hand_on(node, made, call)


def _filled(given: Any, tensors: Iterator[fx.Node], sizes: Iterator[fx.Node]) -> Any:
    """What the submodule is given, with nodes where tensors and sizes stand."""
    match given:
        case tuple() | list():
            return type(given)(_filled(each, tensors, sizes) for each in given)
        case dict():
            return {key: _filled(each, tensors, sizes) for key, each in given.items()}
        case _ if given is TENSOR:
            return next(tensors)
        case _ if given is SIZE:
            return next(sizes)
        case _:
            return given


def _hand_on(node: fx.Node, made: fx.Node, call: Call) -> None:
    """Give every reader of the operator's results the submodule's."""
    graph = node.graph
    tensors = [place for place, leaf in enumerate(call.leaves) if isinstance(leaf, Tensor)]
    numbered = pytree.tree_unflatten(list(range(len(call.leaves))), call.structure)
    paths = dict(_paths(numbered, ()))
    for user in list(node.users):
        current, value = made, made.meta["val"]
        number = user.args[1]
        assert isinstance(number, int)
        for key in paths[tensors[number]]:
            value = value[key]
            with graph.inserting_before(user):
                current = graph.call_function(operator.getitem, (current, key))
            current.meta = {"val": value}
        user.replace_all_uses_with(current)
        graph.erase_node(user)
    graph.erase_node(node)


def _paths(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Number of a leaf -> the keys that lead to it."""
    if isinstance(value, int):
        yield value, path
    else:
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, each in items:
            yield from _paths(each, (*path, key))
