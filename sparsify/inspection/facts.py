"""A model's weights with roles, zeros and costs, and the structures that can be removed from it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Weight:
    """One parameter."""

    name: str
    shape: tuple[int, ...]
    role: str
    sparsity: float
    """The share of zeros, 0 to 1."""
    masked: bool = False
    macs: int = 0
    """Multiply-accumulates of its products for one example; 0 for what is no product."""

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    def facts(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "shape": list(self.shape), "parameters": self.count}


@dataclass(frozen=True)
class Removable:
    """Units that can only be removed as a whole: the heads of one attention, neurons, channels."""

    kind: str
    name: str
    """Of the first parameter that makes the channels."""
    units: int
    channels: int
    """Of each unit in that parameter."""
    parts: tuple[tuple[str, int], ...]
    """Parameter and axis of everything that goes with a unit."""
    frozen: str
    """Why no unit can be removed, or empty."""


@dataclass(frozen=True)
class ModelFacts:
    """One model. Costs are those of one example of `sequence` tokens, where it reads tokens."""

    model: str
    architecture: str
    weights: tuple[Weight, ...]
    removable: tuple[Removable, ...]
    sequence: int
    attention_macs: int
    """Of products without a weight."""
    size_bytes: int
    """Of the parameters, stored dense."""

    def facts(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self) | {"weights": [each.facts() for each in self.weights]}
