"""What a comparison found: named things with an old and a new side, and lines of programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sparsify.onnx_report import Part


class Change(Part):
    """One thing that differs. A side that is None is not there."""

    name: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    """Facts by name, the unit in it: `{"shape": [2, 3], "sparsity_fraction": 0.5}`."""
    gone: float = 0
    come: float = 0
    """How much went and came, in the unit of the section."""


class Section(Part):
    """Things of one kind."""

    name: str
    unit: str
    """What `gone` and `come` count."""
    changes: list[Change]
    same: int
    """How many things are equal on both sides."""


class Hunk(Part):
    """Lines of a program that differ, with a few around them."""

    old_line: int
    new_line: int
    """Where it begins, counted from 1."""
    lines: list[str]
    """Each begins with a blank, `-` or `+`, as in a unified diff."""


class Comparison(Part):
    """Two things of a kind, the old one first."""

    kind: str
    """`models`, `programs`, `recipes`, `runs` or `onnx`."""
    old: str
    new: str
    sections: list[Section]
    hunks: list[Hunk] = []

    @property
    def equal(self) -> bool:
        return not any(section.changes for section in self.sections)


Amount = Callable[[dict[str, Any]], float]
"""How much a thing is, in the unit of its section."""


def section(
    name: str,
    unit: str,
    old: Mapping[str, dict[str, Any]],
    new: Mapping[str, dict[str, Any]],
    amount: Amount = lambda facts: 1,
) -> Section:
    """The things that differ between two sides, in the order of the old one, then of the new."""
    changes = []
    for each in dict.fromkeys((*old, *new)):
        was, then = old.get(each), new.get(each)
        if was != then:
            before, after = (amount(side) if side else 0 for side in (was, then))
            gone, come = (before, after) if unit in WHOLE else (before - after, after - before)
            changes.append(
                Change(name=each, old=was, new=then, gone=max(gone, 0), come=max(come, 0))
            )
    same = sum(each in new and old[each] == new[each] for each in old)
    return Section(name=name, unit=unit, changes=changes, same=same)


WHOLE = {"keys", "figures"}
"""Units of things that are replaced as a whole when they differ."""
