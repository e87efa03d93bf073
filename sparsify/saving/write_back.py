"""Weights of a program into the module that it was captured from, whatever their new shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from sparsify.capture.settle import settled
from sparsify.errors import Problem
from sparsify.examples import at_sizes, other_sizes
from sparsify.program import MASK, Program

TOLERANCE = 1e-4
"""The largest relative difference of the module's outputs from the program's."""
INSTEAD = "use the program or its ONNX file"


def write_back(program: Program, module: nn.Module) -> None:
    """Give `module` the program's weights, with zeros where masks have them, and check it.

    Raises:
        Problem: the module's own code does not run with these shapes, or computes something else.
    """
    values = _values(program)
    same: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        same.setdefault(id(parameter), []).append(name)
    for names in list(same.values()):
        known = next((name for name in names if name in values), None)
        for name in names if known else ():
            _put(module, name, values[known or name])
    for name, _ in list(module.named_buffers(remove_duplicate=False)):
        if name in values:
            _put(module, name, values[name])
    module.eval()
    _require_equal(program, module, program.inputs)
    sizes = other_sizes(program.inputs, program.dynamic)
    if sizes and program.origin.allows(sizes):
        inputs = at_sizes(program.inputs, program.dynamic, sizes, seed=0)
        _require_equal(program, module, inputs)


def _values(program: Program) -> dict[str, Tensor]:
    """The tensors of the program as the module shall have them."""
    found: dict[str, Tensor] = dict(program.module.named_buffers(remove_duplicate=False))
    found |= dict(program.module.named_parameters(remove_duplicate=False))
    for name, mask in program.masks().items():
        found[name] = nn.Parameter(found[name].detach() * mask)
        del found[f"{name}{MASK}"]
    return found


def _put(module: nn.Module, name: str, value: Tensor) -> None:
    """Set a tensor, and every number of its owner that can only mean the size it had."""
    owner_name, _, leaf = name.rpartition(".")
    owner = module.get_submodule(owner_name)
    before, after = getattr(owner, leaf).shape, value.shape
    setattr(owner, leaf, value)
    if isinstance(owner, nn.Linear):
        owner.out_features, owner.in_features = owner.weight.shape
    elif isinstance(owner, nn.LayerNorm):
        owner.normalized_shape = tuple(after)
    else:
        for attribute, number in list(vars(owner).items()):
            for old, new in zip(before, after, strict=True):
                if number == old != new and before.count(old) == 1 and type(number) is int:
                    setattr(owner, attribute, new)


def _require_equal(program: Program, module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    expected = program.outputs(inputs)
    with _entered(module) as inside, settled(module), torch.no_grad():
        try:
            leaves = pytree.tree_leaves(module(**inputs))
        except (RuntimeError, ValueError, IndexError) as error:
            first = str(error).strip().partition("\n")[0]
            raise Problem(
                f"{inside[-1] or type(module).__name__} cannot run with its new sizes: {first}",
                hint=INSTEAD,
            ) from None
    found = [value for value in leaves if isinstance(value, Tensor)]
    same = len(expected) == len(found) and all(map(_close, expected, found))
    if not same:
        raise Problem(
            f"{type(module).__name__} with the program's weights computes something else",
            hint=INSTEAD,
        )


def _close(expected: Tensor, found: Tensor) -> bool:
    if expected.shape != found.shape or not expected.numel():
        return expected.shape == found.shape
    scale = expected.detach().float().abs().nan_to_num(posinf=0.0).max().clamp(min=1.0).item()
    allowed = TOLERANCE * scale
    return torch.allclose(expected, found.to(expected), rtol=0, atol=allowed, equal_nan=True)


@contextmanager
def _entered(module: nn.Module) -> Iterator[list[str]]:
    """The names of the submodules that are being run, the innermost last."""
    inside: list[str] = []
    handles = []
    for name, part in module.named_modules():

        def enter(_part: nn.Module, _arguments: Any, name: str = name) -> None:
            inside.append(name)

        def leave(_part: nn.Module, _arguments: Any, _result: Any) -> None:
            inside.pop()

        handles += [part.register_forward_pre_hook(enter), part.register_forward_hook(leave)]
    try:
        yield inside
    finally:
        for handle in handles:
            handle.remove()
