"""What must change in the graph when channels are removed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import fx

from sparsify.analysis.coupling.kept import Kept, Remaining
from sparsify.analysis.coupling.rewrites.calls import Call


@dataclass(frozen=True)
class Copy:
    """A narrowed copy of an operand that is used elsewhere in full, with what it is made from."""

    operand: fx.Node
    kept: tuple[object, ...]
    """Together with the operand: equal copies need to be made once."""
    selected: tuple[tuple[fx.Node, Kept], ...]
    """Values from which what stays is selected."""
    calls: tuple[tuple[fx.Node, Call], ...]
    """Nodes to make anew on top of those, in order."""
    remaining: Remaining


@dataclass(frozen=True)
class Change:
    """How a node that sees narrowed values is called."""

    node: fx.Node
    call: Call
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All that changes."""

    stored: dict[fx.Node, Kept]
    """`get_attr` nodes, and what stays of their tensors."""
    made: dict[fx.Node, Kept]
    """Ranges made from literals, and what is selected from them."""
    changes: tuple[Change, ...]
    remaining: Remaining
