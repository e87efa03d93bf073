"""What capturing a model found out, and what it had to leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy


@dataclass(frozen=True)
class Condition:
    """A branch of the model on sizes, which the graph took as the example inputs did."""

    expression: sympy.Basic
    """True where the graph stands for the model; its symbols are names of dimensions."""
    line: str
    """Where the model branches: `modeling_x.py:123`."""

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether it is true at these sizes; a dimension that is left out is of any size."""
        known = {symbol: sizes.get(str(symbol)) for symbol in self.expression.free_symbols}
        if None in known.values():
            return True
        try:
            return bool(self.expression.subs(known) != sympy.false)
        except AssertionError:
            # torch's integer division refuses what a model could not compute either
            return False


@dataclass(frozen=True)
class Origin:
    """How a program came out of its model."""

    notes: tuple[str, ...] = ()
    """Sentences on what was fixed or left out, and by which line of the model."""
    conditions: tuple[Condition, ...] = ()
    opaque: tuple[str, ...] = ()
    """Submodules that are called as they are."""
    steady: tuple[str, ...] = ()
    """Submodules whose own random branches were switched off: no graph holds them."""
    unused: tuple[str, ...] = ()
    """Parameters of the model that its forward does not read: the program has none of them."""

    def allows(self, sizes: Mapping[str, int]) -> bool:
        """Whether the program stands for its model at these sizes of dimensions."""
        return all(condition.holds(sizes) for condition in self.conditions)
