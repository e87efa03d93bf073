"""The account of an import: every key of the old recipe, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from typing_extensions import TypedDict

from sparsify.schema.nodes import Items, Node, Scalar, Spot, Table

Fate = Literal["same", "near", "lost", "needless"]
FATES: dict[Fate, str] = {
    "same": "means the same here",
    "near": "is taken over, but means something else in part",
    "lost": "has no counterpart; the new recipe does without it",
    "needless": "changes nothing here",
}


class KeyFacts(TypedDict):
    """What became of one key of another tool's recipe."""

    old: str
    value: str
    new: str
    fate: Fate
    why: str
    where: str


@dataclass(frozen=True)
class Row:
    """One key of the old recipe."""

    old: str
    value: str
    new: str
    """What says it in the new recipe; empty where nothing does."""
    fate: Fate
    why: str
    spot: Spot

    def facts(self) -> KeyFacts:
        """The row for programs."""
        return {
            "old": self.old,
            "value": self.value,
            "new": self.new,
            "fate": self.fate,
            "why": self.why,
            "where": str(self.spot),
        }


@dataclass
class Account:
    """Rows in the order in which they were told."""

    rows: list[Row] = field(default_factory=list)

    def sorted(self) -> list[Row]:
        """The rows in the order of the old text."""
        return sorted(self.rows, key=lambda row: (row.spot.line, row.spot.column))


def shown(node: Node) -> str:
    """A value in one line, as the old recipe would have it."""
    match node:
        case Scalar(value=str() | None):
            return node.text
        case Scalar(value=bool()):
            return str(node.value).lower()
        case Scalar():
            return f"{node.value:g}" if isinstance(node.value, float) else str(node.value)
        case Items(items=items):
            return f"[{', '.join(map(shown, items))}]"
        case Table(entries=entries):
            return f"{{{', '.join(f'{k}: {shown(e.node)}' for k, e in entries.items())}}}"


def listed(value: Any) -> str:
    """A value of the new recipe in one line of YAML."""
    match value:
        case list():
            return f"[{', '.join(map(listed, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {listed(each)}' for key, each in value.items())}}}"
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)
