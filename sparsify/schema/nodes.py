"""YAML as a tree of plain values in which every value and every key knows where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from sparsify.errors import Problem
from sparsify.schema.scalars import MERGE, RESOLVERS, value_of


@dataclass(frozen=True)
class Spot:
    """Where something stands: in a line of a file, or (line 0) in an option of the command."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Scalar:
    """Text, a number, true, false or null."""

    spot: Spot
    value: str | int | float | bool | None
    text: str
    """As it was written."""


@dataclass(frozen=True)
class Items:
    """A list."""

    spot: Spot
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Entry:
    """A value, and where its key stands."""

    key: Spot
    node: Node


@dataclass(frozen=True)
class Table:
    """A mapping; keys are text, as they were written."""

    spot: Spot
    entries: dict[str, Entry]


Node: TypeAlias = Scalar | Items | Table
TAG = re.compile(r"!\w+$")
"""A tag of a recipe of another tool, such as `!GMPruningModifier`."""
Place: TypeAlias = Callable[[yaml.Mark], Spot]


class _Loader(yaml.SafeLoader):
    """Composes nodes only; explicit tags are refused before anything is made of them."""

    yaml_implicit_resolvers = RESOLVERS
    tags: re.Pattern[str] = re.compile("$.")
    """The tags that are kept: none."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and not self.tags.match(tag):
            what = "tags are not read; write the plain value"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)
        return super().compose_node(parent, index)


class _TagKeeper(_Loader):
    """Keeps tags that are words; nothing is ever made of them."""

    tags = TAG


def compose(text: str, place: Place, *, keep_tags: bool = False) -> Node | None:
    """The tree of a YAML text, or None where it is empty.

    With `keep_tags`, `!Name {key: 1}` is read as `Name: {key: 1}`.

    Raises:
        Problem: not YAML, several documents, a tag, a key twice, an alias inside itself.
    """
    try:
        root = (_TagKeeper if keep_tags else _Loader)(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = place(mark) if mark else None
        raise _not_yaml(error.problem or str(error.context), spot) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = yaml.Mark("", 0, before.count("\n"), len(before) - before.rfind("\n") - 1, None, 0)
        what = f"the character {error.character:#06x} is not allowed"
        raise Problem(what, where=str(place(mark))) from None
    return None if root is None else _convert(root, place, ())


def plain(node: Node) -> Any:
    """The tree as nested dicts, lists and scalars."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [plain(item) for item in node.items]
        case Table():
            return {key: plain(entry.node) for key, entry in node.entries.items()}


def _not_yaml(says: str, spot: Spot | None) -> Problem:
    hint = ""
    if "mapping values are not allowed" in says:
        hint = "quote text that contains `: `, and check the indentation"
    elif "'\\t'" in says:
        hint = "indent with spaces, not with tabs"
    elif "cannot start any token" in says:
        hint = "quote text that begins with a special character"
    elif says.startswith("tags are"):
        says, _, hint = says.partition("; ")
    return Problem(f"not a recipe's YAML: {says}", where=str(spot or ""), hint=hint)


def _convert(node: yaml.Node, place: Place, inside: tuple[yaml.Node, ...]) -> Node:
    spot = place(node.start_mark)
    if any(node is outer for outer in inside):
        raise Problem("an alias stands inside what it stands for", where=str(spot))
    if TAG.match(node.tag):
        return Table(spot, {node.tag[1:]: Entry(spot, _untagged(node, spot, place, inside))})
    return _untagged(node, spot, place, inside)


def _untagged(node: yaml.Node, spot: Spot, place: Place, inside: tuple[yaml.Node, ...]) -> Node:
    match node:
        case yaml.ScalarNode():
            return Scalar(spot, value_of(node.tag, node.value), node.value)
        case yaml.SequenceNode():
            return Items(spot, tuple(_convert(n, place, (*inside, node)) for n in node.value))
        case yaml.MappingNode():
            return _table(node, place, (*inside, node))
        case _:
            raise TypeError(f"YAML has no node {node!r}")


def _table(node: yaml.MappingNode, place: Place, inside: tuple[yaml.Node, ...]) -> Table:
    entries: dict[str, Entry] = {}
    merged: dict[str, Entry] = {}
    for key, value in node.value:
        spot = place(key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            raise Problem("a key must be a word", where=str(spot), hint="quote text with braces")
        if key.tag == MERGE:
            merged = _merged(_convert(value, place, inside)) | merged
        elif key.value in entries:
            line = entries[key.value].key.line
            hint = f"it stands in line {line} already" if line else ""
            raise Problem(f"the key {key.value!r} is there twice", where=str(spot), hint=hint)
        else:
            entries[key.value] = Entry(spot, _convert(value, place, inside))
    return Table(place(node.start_mark), merged | entries)


def _merged(node: Node) -> dict[str, Entry]:
    """The entries that `<<` brings; of several mappings the first wins."""
    match node:
        case Table():
            return node.entries
        case Items() if all(isinstance(item, Table) for item in node.items):
            entries: dict[str, Entry] = {}
            for item in node.items:
                entries = _merged(item) | entries
            return entries
        case _:
            raise Problem("`<<` takes a mapping or a list of mappings", where=str(node.spot))
