"""An input of a model as a user describes it: its shape, and what it may hold."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator


def _size(size: int | str) -> int | str:
    sound = size > 0 if isinstance(size, int) else NAME.fullmatch(size)
    if not sound:
        raise ValueError(f"no size of a dimension: {size!r}; write 64, `batch` or `samples=16000`")
    return size


NAME = re.compile(r"[a-z][a-z_0-9]*(=[1-9]\d*)?")
Size = Annotated[int | str, AfterValidator(_size)]


class Input(BaseModel):
    """A tensor that the model is called with; a plain list is its `shape`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    shape: list[Size]
    """Sizes, and names of dimensions that may vary: `[batch, 3, 224, 224]`, `[batch, sequence]`. A
    name may say at which size the model is captured: `samples=16000`."""
    dtype: Literal["float32", "int64", "bool"] | None = None
    """Left out: int64 where `high` is given, else float32. Without `high` all values of int64 and
    bool are ones, as in a mask."""
    low: int = 0
    """The smallest integer that is drawn."""
    high: int | None = None
    """Integers are drawn from `low` until below `high`: for ids, the size of the vocabulary."""

    @model_validator(mode="before")
    @classmethod
    def _shape_alone(cls, value: Any) -> Any:
        return {"shape": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _bounds(self) -> Input:
        if self.high is not None and self.high <= self.low:
            raise ValueError("`high` must be greater than `low`")
        if self.high is not None and self.type != "int64":
            raise ValueError(f"`high` is for int64, not for {self.type}; drop one of the two")
        return self

    @property
    def type(self) -> Literal["float32", "int64", "bool"]:
        return self.dtype or ("float32" if self.high is None else "int64")

    @property
    def dimensions(self) -> list[tuple[str, int | None]]:
        """For each dimension its name, empty where it never varies, and its size where known."""
        found: list[tuple[str, int | None]] = []
        for size in self.shape:
            name, _, text = ("", "", str(size)) if isinstance(size, int) else size.partition("=")
            found.append((name, int(text) if text else None))
        return found
