"""The new recipe while it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sparsify.errors import Problem


@dataclass(frozen=True)
class Length:
    """How long the old run was, as far as its recipe does not say."""

    epochs: float | None = None
    steps_per_epoch: int | None = None


@dataclass
class Draft:
    """Parts of a recipe; `tree` puts them together."""

    epochs: float | None
    """Of the whole run; None: nothing is trained, or no one said how long."""
    steps_per_epoch: int | None
    masked: list[str] = field(default_factory=list)
    """The targets of `insert-masks`."""
    keeps_zeros: bool = False
    pruning: list[dict[str, Any]] = field(default_factory=list)
    distill: dict[str, Any] = field(default_factory=dict)
    teacher: dict[str, Any] | None = None
    train: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None

    def prune(self, tag: str, options: dict[str, Any], targets: Sequence[str]) -> None:
        """Add a pass that prunes `targets`, and the masks that it needs."""
        self.masked += [each for each in targets if each not in self.masked]
        chosen = {"targets": list(targets)} if list(targets) != ["*"] else {}
        self.pruning.append({tag: options | chosen})

    def steps(self, epochs: float) -> int | None:
        """So many epochs in steps, where that is known."""
        return round(epochs * self.steps_per_epoch) if self.steps_per_epoch else None

    def tree(self) -> dict[str, Any]:
        """The recipe as plain values, without what stayed empty."""
        if self.epochs and self.steps_per_epoch:
            self.train = {"steps": self.steps(self.epochs)} | self.train
        elif self.epochs:
            self.train = {"epochs": self.epochs} | self.train
        masks: dict[str, Any] = {}
        if self.masked:
            everything = ["*"] if "*" in self.masked else self.masked
            zeros = {"keep_zeros": True} if self.keeps_zeros else {}
            masks = {"insert-masks": {"targets": everything} | zeros}
        passes: list[Any] = ["clean"]
        passes += [masks] if masks else []
        passes += self.pruning
        passes += [{"distill": self.distill}] if self.distill else []
        made = {
            "data": self.data,
            "teacher": self.teacher,
            "passes": passes,
            "train": self.train,
            "export": self.export,
            "seed": self.seed,
        }
        return {key: value for key, value in made.items() if value not in ({}, None)} | (
            {"teacher": {}} if self.teacher == {} else {}
        )


def ramp(total: float | None, start: float, end: float, *, where: str) -> dict[str, float]:
    """The `warmup` and `cooldown` of a pass that prunes from `start` to `end` of `total`.

    All three are in epochs, or all in steps.

    Raises:
        Problem: the end is before the start, or after the end of the run.
    """
    if total is None or end < start or end > total:
        of = f" of {total:g}" if total else ""
        raise Problem(
            f"pruning cannot go from {start:g} to {end:g}{of}",
            where=where,
            hint="say how long the run was with --epochs and --steps-per-epoch",
        )
    return {"warmup": start / total, "cooldown": (total - end) / total}


def schedule(curve: str, power: float, first: float) -> Any:
    """A schedule that begins at the share `first` of what it ends at."""
    named = {"linear": "linear", "cubic": "cubic"}.get(curve)
    options = {"first": first} if first else {}
    if named:
        return {named: options} if options else named
    return {"polynomial": {"power": power} | options}


def pattern(structure: str | list[int], *, pruned: bool = False) -> Any | None:
    """The pattern that an old mask structure means, or None where there is none.

    Args:
        structure: `unstructured`, `block4`, `2:4`, `[rows, columns]`, or `0:0`.
        pruned: whether N of `N:M` counts the zeros instead of what stays.
    """
    if isinstance(structure, list):
        return {"block": {"shape": structure}} if len(structure) == 2 else None
    if structure in ("unstructured", "0:0", "", "fine", "default"):
        return "element"
    if structure == "block4":
        return {"block": {"shape": [1, 4]}}
    if structure in ("filter", "channel"):
        return "row" if structure == "filter" else "column"
    n, _, m = structure.partition(":")
    if n.isdigit() and m.isdigit() and 0 < int(n) <= int(m):
        return {"n-of-m": {"n": int(m) - int(n) if pruned else int(n), "m": int(m)}}
    return None
