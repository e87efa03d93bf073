"""Calls that do to what stays of their operands what they did to the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import fx

from sparsify.analysis.coupling.kept import Remaining


@dataclass(frozen=True)
class Call:
    """What a node calls, and with what."""

    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Times:
    """A size that the graph computes: that of `node`, times a literal."""

    node: fx.Node
    factor: int


Rewrite = Callable[[fx.Node, Remaining], Call]
REWRITES: dict[object, Rewrite] = {}


def rewritten(node: fx.Node, remaining: Remaining) -> Call:
    """The call of `node` on narrowed operands.

    Raises:
        Problem: the call cannot be written for what stays.
    """
    found = REWRITES.get(node.target)
    return found(node, remaining) if found else as_it_is(node)


def as_it_is(node: fx.Node) -> Call:
    return Call(node.target, node.args, dict(node.kwargs))


def rewrite(*targets: object) -> Callable[[Rewrite], Rewrite]:
    def register(function: Rewrite) -> Rewrite:
        REWRITES.update(dict.fromkeys(targets, function))
        return function

    return register


def replaced(node: fx.Node, position: int, value: Any) -> Call:
    args = (*node.args[:position], value, *node.args[position + 1 :])
    return Call(node.target, args, dict(node.kwargs))
