"""Remove what computes nothing: dead calls, whole slices, casts to the same type, empty dropout."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import fx, nn

from sparsify.pipeline import Pass, Report
from sparsify.program import Program, aten


class Clean(Pass):
    """Drop the leftovers of tracing, so that the graph reads like the model."""

    exact: ClassVar[bool] = True

    def run(self, program: Program) -> Report:
        report = Report()
        for node in list(program.graph.nodes):
            for says, holds in NOTHING.items():
                if holds(program, node):
                    source = node.args[0]
                    assert isinstance(source, fx.Node)
                    node.replace_all_uses_with(source)
                    program.graph.erase_node(node)
                    report.did[node.name] = says
                    break
        before = {node.name for node in program.graph.nodes}
        program.graph.eliminate_dead_code()
        after = {node.name for node in program.graph.nodes}
        report.did |= dict.fromkeys(sorted(before - after), "its result is not used")
        program.module.delete_all_unused_submodules()
        return report


def _is_whole_slice(_program: Program, node: fx.Node) -> bool:
    if node.target is not aten.slice.Tensor:
        return False
    start, end, step = (*node.args[2:], *(None, None, 1)[len(node.args) - 2 :])[:3]
    return bool(start in (0, None) and end in (sys.maxsize, None) and step == 1)


def _is_same_type(_program: Program, node: fx.Node) -> bool:
    if node.target not in (aten.to.dtype, aten.to.dtype_layout, aten.to.device):
        return False
    source = node.args[0]
    if not isinstance(source, fx.Node) or node.kwargs.get("copy") or len(node.args) > 3:
        return False
    before, after = source.meta.get("val"), node.meta.get("val")
    if not isinstance(before, torch.Tensor) or not isinstance(after, torch.Tensor):
        return False
    same = (before.dtype, before.device, before.layout) == (after.dtype, after.device, after.layout)
    return same and not node.kwargs.get("memory_format")


def _is_empty_dropout(program: Program, node: fx.Node) -> bool:
    if node.op != "call_module":
        return False
    part = program.module.get_submodule(str(node.target))
    return isinstance(part, nn.Dropout) and part.p == 0


def _adds_zero(_program: Program, node: fx.Node) -> bool:
    if node.target is not aten.add.Tensor or node.kwargs or node.args[1:] != (0,):
        return False
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) and not value.is_floating_point()


NOTHING: dict[str, Callable[[Program, fx.Node], bool]] = {
    "slices the whole": _is_whole_slice,
    "casts to the type it has": _is_same_type,
    "drops nothing out": _is_empty_dropout,
    "adds zero": _adds_zero,
}
"""What a call does that does nothing -> whether this one does it."""
