"""Replaces `${name}` by what stands under `vars`; nothing is computed."""

from __future__ import annotations

import re

from sparsify.errors import Problem, nearest
from sparsify.schema.nodes import Entry, Items, Node, Scalar, Table

REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
"""`${name}`; `$${` stands for a literal `${`."""


def substitute(tree: Table) -> Table:
    """The recipe without `vars`, every reference replaced.

    A scalar that is one reference takes the value as it is, with its type and its place; inside a
    longer text the value's own text is put in.

    Raises:
        Problem: an unknown variable, a list inside a text, or `vars` that hold something else.
    """
    entries = dict(tree.entries)
    declared = entries.pop("vars", None)
    known = _variables(declared.node) if declared else {}
    replaced = {k: Entry(e.key, _replace(e.node, known)) for k, e in entries.items()}
    return Table(tree.spot, replaced)


def escape(text: str) -> str:
    """The text as a recipe must spell it for no reference to be seen in it."""
    return text.replace("${", "$${")


def _variables(node: Node) -> dict[str, Node]:
    match node:
        case Table():
            return {name: _variable(name, entry.node) for name, entry in node.entries.items()}
        case Scalar(value=None):
            return {}
        case _:
            raise Problem("vars: expected names with values", where=str(node.spot))


def _variable(name: str, node: Node) -> Node:
    match node:
        case Scalar():
            if any(found[0] != "$${" for found in REFERENCE.finditer(node.text)):
                what = f"vars.{name}: a variable cannot use another one"
                raise Problem(what, where=str(node.spot), hint="write the value itself")
            return _replace(node, {})
        case Items():
            if any(not isinstance(item, Scalar) for item in node.items):
                break_at = next(item for item in node.items if not isinstance(item, Scalar))
                what = f"vars.{name}: a list may hold only plain values"
                raise Problem(what, where=str(break_at.spot))
            return Items(node.spot, tuple(_variable(name, item) for item in node.items))
        case Table():
            what = f"vars.{name}: expected a plain value or a list, not keys"
            raise Problem(what, where=str(node.spot))


def _replace(node: Node, known: dict[str, Node]) -> Node:
    match node:
        case Items():
            return Items(node.spot, tuple(_replace(item, known) for item in node.items))
        case Table():
            entries = {k: Entry(e.key, _replace(e.node, known)) for k, e in node.entries.items()}
            return Table(node.spot, entries)
    if not isinstance(node.value, str):
        return node
    whole = REFERENCE.fullmatch(node.value)
    if whole and whole[1] is not None:
        return _value(whole[1], node, known)
    text = REFERENCE.sub(lambda found: _text(found, node, known), node.value)
    return Scalar(node.spot, text, text)


def _text(found: re.Match[str], node: Scalar, known: dict[str, Node]) -> str:
    if found[0] == "$${":
        return "${"
    if found[1] is None:
        hint = "write `$${` for the characters themselves"
        raise Problem("`${` is not closed by `}`", where=str(node.spot), hint=hint)
    value = _value(found[1], node, known)
    if not isinstance(value, Scalar):
        what = f"the variable {found[1]!r} is a list and cannot stand inside a text"
        raise Problem(what, where=str(node.spot))
    return value.text


def _value(name: str, node: Scalar, known: dict[str, Node]) -> Node:
    if name.strip() in known:
        return known[name.strip()]
    hint = nearest(name.strip(), known) or "declare it under `vars`"
    raise Problem(f"no variable named {name.strip()!r}", where=str(node.spot), hint=hint)
