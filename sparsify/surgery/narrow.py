"""Make tensors smaller, and the graph with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from sparsify.analysis.coupling import coupling
from sparsify.analysis.coupling.kept import Kept, select
from sparsify.errors import Problem
from sparsify.program import Edit, Program
from sparsify.surgery.calls import rewrite
from sparsify.surgery.leftovers import sweep

Indices = Mapping[str, Mapping[int, Sequence[int]]]
"""Parameter -> axis -> the indices that stay."""


def narrow(program: Program, kept: Indices) -> None:
    """Remove the channels whose indices are not kept, wherever they go, in place.

    Masks and buffers go along; literals of the graph are rewritten. Parameters become new, smaller
    ones under their names.

    Raises:
        Problem: it cannot be shown that the smaller program computes what the other does when what
            reads the channels is zero; nothing has been changed then.
    """
    gone = _classes(program, kept)
    if not gone:
        return
    plan = coupling(program).planner.plan(gone)
    stored = {str(node.target): what for node, what in plan.stored.items()}
    for name, what in stored.items():
        _replace(program, name, what)
    rewrite(program, plan)
    sweep(program)
    parameters = {
        name: {str(axis): list(each) for axis, each in enumerate(what) if each is not None}
        for name, what in stored.items()
        if isinstance(program.tensor(name), nn.Parameter)
    }
    program.edits.append(Edit("narrow", parameters))


def _classes(program: Program, kept: Indices) -> list[int]:
    """The classes of the channels that are not kept.

    Raises:
        Problem: they are frozen, or go together with channels that are kept.
    """
    found = coupling(program)
    classes = found.planner.classes
    sources = {str(node.target): ids for node, ids in found.planner.walk.sources.items()}
    gone: dict[int, tuple[str, int]] = {}
    stay: dict[int, tuple[str, int]] = {}
    for name, axes in kept.items():
        for axis, indices in axes.items():
            if name not in sources or not 0 <= axis < len(sources[name]):
                raise Problem(f"{name!r} has no axis {axis} to narrow")
            known = classes.of(sources[name][axis]).tolist()
            left = set(indices)
            if left - set(range(len(known))):
                raise Problem(f"{name!r} has only {len(known)} indices on axis {axis}")
            for index, each in enumerate(known):
                (stay if index in left else gone).setdefault(each, (name, axis))
    for each, (name, axis) in gone.items():
        if each in classes.frozen:
            raise Problem(f"axis {axis} of {name!r} cannot be narrowed: {classes.frozen[each]}")
        if each in stay:
            raise Problem(
                f"axis {axis} of {name!r} would lose channels that go together with some that stay"
            )
    return list(gone)


def _replace(program: Program, name: str, kept: Kept) -> None:
    """Put a smaller tensor in the place of one, under every name that it has."""
    old = program.tensor(name)
    new = select(old.detach(), kept).clone(memory_format=torch.contiguous_format)
    fresh: Tensor = (
        nn.Parameter(new, requires_grad=old.requires_grad) if isinstance(old, nn.Parameter) else new
    )
    for each in list(_names(program, old)):
        owner, _, leaf = each.rpartition(".")
        setattr(program.module.get_submodule(owner), leaf, fresh)


def _names(program: Program, tensor: Tensor) -> Iterator[str]:
    module = program.module
    named: list[tuple[str, Tensor]] = [*module.named_parameters(remove_duplicate=False)]
    named += [*module.named_buffers(remove_duplicate=False)]
    for name, value in named:
        if value is tensor:
            yield name
