"""nn.Module -> Program."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from torch import Tensor, fx, nn

from sparsify.batches import example
from sparsify.capture.blame import check_names
from sparsify.capture.cleaning import CHECKS, drop_checks, own_names
from sparsify.capture.leaf import as_submodules
from sparsify.capture.opaque import Call, matching, watch
from sparsify.capture.pieces import join_pieces
from sparsify.capture.settle import batched_experts, eager_attention, settled
from sparsify.capture.sizes import Dynamic
from sparsify.capture.trace import Traced, trace
from sparsify.dropout import make_switchable, random_submodules
from sparsify.errors import Problem
from sparsify.origin import Origin
from sparsify.program import Program

__all__ = ["CHECKS", "capture"]


class _Callable(ModuleType):
    """This module, which can be called: `sparsify.capture(model, batch)`, whatever was imported."""

    def __call__(self, *args: Any, **kwargs: Any) -> Program:
        return capture(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable


def capture(
    model: nn.Module,
    inputs: Any,
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    *,
    opaque: Iterable[str] = (),
) -> Program:
    """The program of `model`, in train mode, switchable with `.train()` and `.eval()`.

    The program's parameters are the model's own objects, under the model's own names; a tied
    weight has one node and one name. A dimension that the model fixes stays fixed, and
    `program.origin` says by which line.

    Args:
        model: any module that can be called with `inputs` by name.
        inputs: a batch as a DataLoader gives it, labels or not. With `dynamic`: tensors by name,
            batch at least 2, and no two dynamic dimensions of the same size.
        dynamic: the dimensions of each input that may vary, by name; left out: `named_dimensions`.
        opaque: submodules, by name or glob, that are called as they are.

    Raises:
        Problem: the model cannot be traced, or a batch lacks an input that it requires.
    """
    if dynamic is None:
        inputs, dynamic = example(model, inputs)
    check_names(model, inputs)
    names = matching(model, opaque)
    training = model.training
    model.train()
    try:
        with settled(model), batched_experts(model):
            calls = watch(model, names, inputs, dynamic) if names else []
            traced, steady = _traced(model, inputs, dynamic, calls)
    finally:
        model.train(training)
    module = _plain(traced, model, calls).train(training)
    unused = _unused(model, module)
    notes = _notes(traced, steady, unused)
    origin = Origin(notes, traced.conditions, names, steady, unused)
    return Program(module, dict(inputs), traced.dynamic, origin=origin)


def _plain(traced: Traced, model: nn.Module, calls: Sequence[Call]) -> fx.GraphModule:
    """A module that owns a graph and the model's tensors, and nothing else."""
    module = traced.exported.module(check_guards=False)
    assert isinstance(module, fx.GraphModule)
    drop_checks(module)
    join_pieces(module.graph)
    own_names(module, model)
    as_submodules(module, model, calls)
    make_switchable(module)
    module.recompile()
    return module


def _traced(
    model: nn.Module, inputs: Mapping[str, Tensor], dynamic: Dynamic, calls: Sequence[Call]
) -> tuple[Traced, tuple[str, ...]]:
    """As `_steadily`; where the model's attention as one operator fails, with it written out."""
    try:
        return _steadily(model, inputs, dynamic, calls)
    except Problem:
        with eager_attention(model) as changed:
            if changed:
                return _steadily(model, inputs, dynamic, calls)
        raise


def _steadily(
    model: nn.Module, inputs: Mapping[str, Tensor], dynamic: Dynamic, calls: Sequence[Call]
) -> tuple[Traced, tuple[str, ...]]:
    """The model's graph, without the random branches of the submodules that are returned."""
    traced = trace(model, inputs, dynamic, calls)
    steady = random_submodules(traced.exported)
    if not steady:
        return traced, ()
    with settled(model, steady):
        return trace(model, inputs, dynamic, calls), steady


def _unused(model: nn.Module, module: fx.GraphModule) -> tuple[str, ...]:
    """The parameters of the model that its graph does not read."""
    read = {id(parameter) for parameter in module.parameters()}
    return tuple(name for name, each in model.named_parameters() if id(each) not in read)


def _notes(traced: Traced, steady: Sequence[str], unused: Sequence[str]) -> tuple[str, ...]:
    """What a user should know of a capture, in sentences without their full stop."""
    notes = [
        f"{label} is fixed at its size in the example inputs{line and f' by {line}'}"
        for label, line in traced.fixed.items()
    ]
    notes += [
        f"the graph stands for the model only where {each.expression}, by {each.line}"
        for each in traced.conditions
    ]
    notes += [
        f"the graph stands for the model only where its numbers are finite, by {line}"
        for line in traced.finite
    ]
    if steady:
        notes.append(f"random branches are left out of training: {_few(steady)}")
    if unused:
        notes.append(f"forward does not read {_few(unused)}")
    return tuple(notes)


def _few(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
