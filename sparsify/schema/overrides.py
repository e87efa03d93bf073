"""`--set a.b=c`: one value of a recipe, set from the command line."""

from __future__ import annotations

from sparsify.errors import Problem, nearest, unknown
from sparsify.kinds import Kind
from sparsify.pipeline import PassChoice
from sparsify.recipe import Recipe
from sparsify.schema.aliases import canonical_elements
from sparsify.schema.nodes import Entry, Items, Node, Scalar, Spot, Table, compose
from sparsify.schema.shapes import Shape, below, choice, fields


def override(tree: Table, text: str) -> Table:
    """The tree with the value set that `text`, `KEY=VALUE`, names.

    A key's elements are joined by dots: keys, positions in lists counted from 0, and in a list
    of passes the pass's name. Unknown keys are left for validation to find.

    Raises:
        Problem: no `=`, a value that is not YAML, or a way that leads nowhere.
    """
    where = f"--set {text}"
    key, separator, value = text.partition("=")
    elements = canonical_elements(tuple(element.strip() for element in key.split(".")))
    if not separator or not all(elements):
        raise Problem("expected KEY=VALUE", where=where, hint="such as train.steps=100")
    if elements[0] == "extends":
        hint = "run that recipe and set its keys"
        raise Problem("`extends` can stand only in a recipe", where=where, hint=hint)
    spot = Spot(where)
    node = compose(value, lambda _mark: spot) or Scalar(spot, None, "")
    if elements[0] == "vars":
        _refuse_unknown_variable(tree, elements, where)
    changed = _set(tree, (Recipe,), elements, node, ())
    assert isinstance(changed, Table)
    return changed


def _refuse_unknown_variable(tree: Table, elements: tuple[str, ...], where: str) -> None:
    declared = tree.entries["vars"].node if "vars" in tree.entries else None
    known = list(declared.entries) if isinstance(declared, Table) else []
    if len(elements) != 2:
        raise Problem("name one variable", where=where, hint="such as vars.NAME=VALUE")
    if elements[1] not in known:
        hint = nearest(elements[1], known) or "the recipe has no `vars`"
        raise Problem(f"no variable named {elements[1]!r}", where=where, hint=hint)


def _set(
    node: Node | None, of: Shape, elements: tuple[str, ...], value: Node, done: tuple[str, ...]
) -> Node:
    """`node` with `value` at the end of `elements`; `done` led here."""
    if not elements:
        return _put(node, of, value)
    if isinstance(node, Items):
        return _set_item(node, of, elements, value, done)
    first, rest = elements[0], elements[1:]
    table = _table(node, of, first, value.spot, done)
    if (
        isinstance(choice(of), PassChoice)
        and first not in table.entries
        and len(table.entries) == 1
    ):
        # the pass's name may be left out after its position in the list
        elements = (next(iter(table.entries)), *elements)
        first, rest = elements[0], elements[1:]
    old = table.entries.get(first)
    inner = _set(old.node if old else None, below(of, first), rest, value, (*done, first))
    entry = Entry(old.key if old and rest else value.spot, inner)
    return Table(table.spot, {**table.entries, first: entry})


def _put(node: Node | None, of: Shape, value: Node) -> Node:
    """`value` itself, but a text that is set onto a mapping with a `path` is the path alone."""
    is_path = isinstance(value, Scalar) and isinstance(value.value, str) and "path" in fields(of)
    if is_path and isinstance(node, Table):
        return Table(node.spot, {**node.entries, "path": Entry(value.spot, value)})
    return value


def _table(node: Node | None, of: Shape, first: str, spot: Spot, done: tuple[str, ...]) -> Table:
    """The mapping that `first` is a key of, made of what is there."""
    chosen = choice(of)
    if isinstance(chosen, Kind) and first not in chosen.members:
        raise unknown(chosen.name, first, chosen.members, where=str(spot))
    match node:
        case None | Scalar(value=None):
            return Table(spot, {})
        case Table() if isinstance(chosen, Kind) and first not in node.entries:
            # another member is chosen, and what was said of the old one goes with it
            return Table(node.spot, {})
        case Table():
            return node
        case Scalar() if isinstance(chosen, Kind):
            return Table(node.spot, {})
        case Scalar() if chosen:
            return Table(node.spot, {node.text: Entry(node.spot, Scalar(node.spot, None, ""))})
        case Scalar() if "path" in fields(of):
            return Table(node.spot, {"path": Entry(node.spot, node)})
    shown = ".".join(done)
    what = f"{shown!r} is a plain value and has no key {first!r}"
    raise Problem(what, where=str(spot), hint=f"set {shown} itself")


def _set_item(
    node: Items, of: Shape, elements: tuple[str, ...], value: Node, done: tuple[str, ...]
) -> Node:
    position = _position(node, below(of, 0), elements[0], value.spot, done)
    rest = elements[1:] if elements[0].isdecimal() else elements
    item = node.items[position]
    changed = _set(item, below(of, position), rest, value, (*done, str(position)))
    return Items(node.spot, (*node.items[:position], changed, *node.items[position + 1 :]))


def _position(node: Items, of: Shape, element: str, spot: Spot, done: tuple[str, ...]) -> int:
    shown, count = ".".join(done), len(node.items)
    if element.isdecimal():
        if int(element) < count:
            return int(element)
        hint = f"the last one is {shown}.{count - 1}" if count else ""
        raise Problem(f"{shown!r} has {count} entries", where=str(spot), hint=hint)
    if not isinstance(choice(of), PassChoice):
        hint = f"such as {shown}.0, or set {shown} itself"
        raise Problem(f"{shown!r} is a list and takes a position", where=str(spot), hint=hint)
    tags = [_tag(item) for item in node.items]
    found = [number for number, tag in enumerate(tags) if tag == element]
    if len(found) == 1:
        return found[0]
    if not found:
        hint = nearest(element, filter(None, tags))
        raise Problem(f"the recipe has no pass {element!r}", where=str(spot), hint=hint)
    places = " or ".join(f"{shown}.{number}" for number in found)
    raise Problem(f"{len(found)} passes are {element!r}", where=str(spot), hint=f"name {places}")


def _tag(item: Node) -> str:
    if isinstance(item, Table):
        return next(iter(item.entries)) if len(item.entries) == 1 else ""
    return item.text if isinstance(item, Scalar) else ""
