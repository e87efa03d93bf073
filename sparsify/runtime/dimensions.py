"""How large the dimensions of an ONNX file's inputs are when it is timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import onnxruntime

from sparsify.errors import Problem, unknown

BATCH, SEQUENCE = "batch", "seq"
"""What the names of these dimensions contain."""


@dataclass(frozen=True)
class Dimensions:
    """Sizes of the dimensions that a file leaves open.

    The first of an input is the batch, the second of integers is the sequence; a name that contains
    `batch` or `seq` is what it says. All others have to be given.
    """

    batch: int
    sequence: int
    given: Mapping[str, int] = field(default_factory=dict)
    """By the name in the file, or as `INPUT.AXIS`, counted from 0, where it has none."""

    def __str__(self) -> str:
        sizes = {"batch": self.batch, "sequence": self.sequence, **self.given}
        return ", ".join(f"{name} {size}" for name, size in sizes.items())

    def of(self, wanted: onnxruntime.NodeArg) -> list[int]:
        """The shape of an input.

        Raises:
            Problem: one of its dimensions is neither known nor given.
        """
        return [self._size(wanted, axis, size) for axis, size in enumerate(wanted.shape)]

    def _size(self, wanted: onnxruntime.NodeArg, axis: int, size: int | str | None) -> int:
        if isinstance(size, int):
            return size
        name = size or ""
        for key in (name, f"{wanted.name}.{axis}"):
            if key in self.given:
                return self.given[key]
        if axis == 0 or BATCH in name:
            return self.batch
        if SEQUENCE in name or (axis == 1 and (not name or "int" in wanted.type)):
            return self.sequence
        label = name or f"{wanted.name}.{axis}"
        raise Problem(
            f"the input {wanted.name!r} has a dimension {label!r} that may be of any size",
            hint=f"add --dim {label}=N",
        )

    def require_known(self, sessions: Sequence[onnxruntime.InferenceSession]) -> None:
        """Hold the given names to those of the files.

        Raises:
            Problem: no file has a dimension of that name.
        """
        known = {name for each in sessions for name in names(each)}
        for name in self.given:
            if name not in known:
                raise unknown("dimension", name, known, where="--dim")


def names(session: onnxruntime.InferenceSession) -> list[str]:
    """What the dimensions that the file leaves open are called."""
    return list(
        dict.fromkeys(
            size or f"{wanted.name}.{axis}"
            for wanted in session.get_inputs()
            for axis, size in enumerate(wanted.shape)
            if not isinstance(size, int)
        )
    )
