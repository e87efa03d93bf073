"""What can be removed from a program as a whole: heads, neurons, channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

Kind = Literal["head", "kv-group", "neuron", "width", "channel"]


@dataclass(frozen=True)
class Slice:
    """A part of one parameter."""

    parameter: str
    axis: int
    indices: tuple[int, ...]
    reads: bool
    """Whether it reads the unit's channels (a product's input axis): zeros here make the unit
    dead."""


@dataclass(frozen=True)
class Unit:
    """Channels that can only be removed together: one head, one neuron."""

    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class Part:
    """The slices of all units in one axis of one parameter."""

    parameter: str
    axis: int
    reads: bool
    indices: npt.NDArray[np.int64]
    """i64[units, indices of each]."""


@dataclass(frozen=True)
class Units(Sequence[Unit]):
    """Units that are alike, made when they are asked for: a wide model has many."""

    parts: tuple[Part, ...]

    def __len__(self) -> int:
        return len(self.parts[0].indices)

    @overload
    def __getitem__(self, at: int) -> Unit: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Unit, ...]: ...
    def __getitem__(self, at: int | slice) -> Unit | tuple[Unit, ...]:
        if isinstance(at, slice):
            return tuple(self[each] for each in range(*at.indices(len(self))))
        return Unit(
            tuple(
                Slice(part.parameter, part.axis, tuple(part.indices[at].tolist()), part.reads)
                for part in self.parts
            )
        )


@dataclass(frozen=True)
class Structure:
    """Units that are alike and lie at one place, as the heads of one attention."""

    kind: Kind
    name: str
    """Of the first parameter that makes the channels."""
    units: Units
    frozen: str
    """Why no unit can be removed, or empty."""
