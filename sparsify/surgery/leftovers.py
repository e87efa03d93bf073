"""Remove what nothing reads any more."""

from __future__ import annotations

from torch import Tensor

from sparsify.program import Program


def sweep(program: Program) -> None:
    """Remove dead nodes, and the parameters and buffers that only they read."""
    before = _stored(program)
    # an unused dropout or attention changes nothing but the random numbers that others draw
    program.graph.eliminate_dead_code(lambda node: bool(node.is_impure(impure_random=False)))
    for name in before - _stored(program):
        owner, _, leaf = name.rpartition(".")
        delattr(program.module.get_submodule(owner), leaf)
    program.module.recompile()


def _stored(program: Program) -> set[str]:
    names = {str(node.target) for node in program.graph.find_nodes(op="get_attr")}
    return {name for name in names if isinstance(_attribute(program, name), Tensor)}


def _attribute(program: Program, name: str) -> object:
    owner, _, leaf = name.rpartition(".")
    return getattr(program.module.get_submodule(owner), leaf)
