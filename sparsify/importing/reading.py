"""Reads the recipe of another tool: YAML with tags, front matter or JSON, variables put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from sparsify.errors import Problem
from sparsify.importing.arithmetic import evaluate
from sparsify.schema.find import text_of
from sparsify.schema.nodes import Entry, Items, Node, Scalar, Spot, Table, compose, plain

EXPRESSION = re.compile(r"\s*eval\((.*)\)\s*", re.DOTALL)
FENCE = "---"


def read_old(path: Path) -> Table:
    """The tree of an old recipe as it is written; a list at its top stands under `compression`.

    Raises:
        Problem: there is no such file, it is neither YAML nor JSON, or it is empty.
    """
    if not path.is_file():
        raise Problem("there is no such file", where=str(path))
    text = text_of(path)
    if path.suffix == ".md":
        text = _front_matter(text, path)
    elif path.suffix == ".json":
        # JSON allows tabs between values, YAML does not
        text = text.replace("\t", " ")

    def place(mark: yaml.Mark) -> Spot:
        return Spot(str(path), mark.line + 1, mark.column + 1)

    match compose(text, place, keep_tags=True):
        case Table() as tree:
            return tree
        case Items() as items:
            return Table(items.spot, {"compression": Entry(items.spot, items)})
        case None:
            raise Problem("the recipe is empty", where=str(path))
        case other:
            raise Problem("expected keys with values", where=str(other.spot))


def put_in(node: Node, variables: Mapping[str, Node], used: set[str]) -> Node:
    """`node` with every `eval(...)` replaced by its value; the names that it needs go to `used`.

    Raises:
        Problem: an unknown variable, one that needs itself, or more than arithmetic.
    """
    return _put_in(node, variables, used, ())


def _put_in(
    node: Node, variables: Mapping[str, Node], used: set[str], inside: tuple[str, ...]
) -> Node:
    match node:
        case Items():
            return Items(
                node.spot, tuple(_put_in(each, variables, used, inside) for each in node.items)
            )
        case Table():
            entries = {
                key: Entry(entry.key, _put_in(entry.node, variables, used, inside))
                for key, entry in node.entries.items()
            }
            return Table(node.spot, entries)
    found = EXPRESSION.fullmatch(node.value) if isinstance(node.value, str) else None
    if found is None:
        return node
    values = {}
    for name in set(re.findall(r"[^\W\d]\w*", found[1])) & variables.keys():
        if name in inside:
            raise Problem(f"the variable {name!r} needs itself", where=str(node.spot))
        used.add(name)
        values[name] = _put_in(variables[name], variables, used, (*inside, name))
    if (whole := found[1].strip()) in values:
        return _moved(values[whole], node.spot)
    # what is known but not needed is there for the nearest name
    known = {name: plain(each) for name, each in (dict(variables) | values).items()}
    value = evaluate(found[1], known, where=str(node.spot))
    return Scalar(node.spot, value, str(value))


def _moved(node: Node, spot: Spot) -> Node:
    match node:
        case Scalar():
            return Scalar(spot, node.value, node.text)
        case Items():
            return Items(spot, node.items)
        case Table():
            return Table(spot, node.entries)


def _front_matter(text: str, path: Path) -> str:
    """What stands between the first two `---` of a Markdown file, in the lines where it stood."""
    lines = text.splitlines()
    fences = [number for number, line in enumerate(lines) if line.rstrip() == FENCE]
    if len(fences) < 2:
        raise Problem(
            "no recipe is found in it", where=str(path), hint="it stands between two lines `---`"
        )
    first, last = fences[:2]
    return "\n" * (first + 1) + "\n".join(lines[first + 1 : last]) + "\n"
