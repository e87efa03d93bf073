"""What one pass over the graph notes about ids, beside how they flow."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, fx


@dataclass(frozen=True)
class Aligned:
    """An operand, stored or without ids, that meets `base` position by position in `node`."""

    node: fx.Node
    operand: fx.Node
    base: Tensor


@dataclass(frozen=True)
class Meeting:
    """Two values whose channels are contracted with each other: a query and a key."""

    query: Tensor
    key: Tensor


@dataclass
class Seen:
    """What products and additions did to ids; each entry is an array of ids."""

    made: list[Tensor] = field(default_factory=list)
    """Given out by a weight."""
    weighed: list[Tensor] = field(default_factory=list)
    """Given out by the weight of a product."""
    tokenwise: list[Tensor] = field(default_factory=list)
    """Given out by the weight of a product at every token."""
    read: list[Tensor] = field(default_factory=list)
    """Contracted with a weight."""
    added: list[Tensor] = field(default_factory=list)
    """The sums of two computed values."""
    meetings: list[Meeting] = field(default_factory=list)
    aligned: list[Aligned] = field(default_factory=list)
