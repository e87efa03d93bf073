"""One tree out of a recipe and those it extends."""

from __future__ import annotations

from pathlib import Path

import yaml

from sparsify.errors import Problem
from sparsify.recipe import Recipe
from sparsify.schema.aliases import canonical
from sparsify.schema.extensions import rooted
from sparsify.schema.find import find, shown, text_of
from sparsify.schema.nodes import Entry, Node, Scalar, Spot, Table, compose
from sparsify.schema.shapes import Shape, below, choice


def load(path: Path, before: tuple[Path, ...] = ()) -> Table:
    """The recipe in `path` over the one it extends; `vars` are still there, `extends` is not.

    Args:
        path: the recipe's file.
        before: the files that extend this one, outermost first.

    Raises:
        Problem: a file that is no recipe, or recipes that extend each other in a circle.
    """
    file = shown(path)
    tree = canonical(rooted(read_tree(text_of(path), file), path.parent))
    entry = tree.entries.pop("extends", None)
    if entry is None:
        return tree
    where = str(entry.node.spot)
    if not isinstance(entry.node, Scalar) or not isinstance(entry.node.value, str):
        raise Problem("`extends` takes the name or the path of one recipe", where=where)
    try:
        base = find(entry.node.value, path.parent)
    except Problem as problem:
        what = f"extends: {problem.what}"
        if entry.node.value not in what:
            what = f"extends {entry.node.value!r}: {problem.what}"
        raise Problem(what, where=where, hint=problem.hint) from None
    chain = (*before, path)
    if base.resolve() in [each.resolve() for each in chain]:
        circle = " -> ".join(each.name for each in (*chain, base))
        raise Problem(f"recipes extend each other in a circle: {circle}", where=where)
    return merge(load(base, chain), tree, (Recipe,))


def read_tree(text: str, file: str) -> Table:
    """The tree of one recipe's text; `file` is how messages call it.

    Raises:
        Problem: not YAML, empty, or no keys at its top.
    """

    def place(mark: yaml.Mark) -> Spot:
        return Spot(file, mark.line + 1, mark.column + 1)

    match compose(text, place):
        case None:
            raise Problem("the recipe is empty", where=file, hint="it needs at least `passes`")
        case Table() as tree:
            return tree
        case node:
            what = "a recipe is a mapping of keys such as `model` and `passes`"
            raise Problem(what, where=str(node.spot))


def merge(base: Table, over: Table, of: Shape) -> Table:
    """`over` written over `base`: mappings key by key, anything else as a whole.

    A choice such as `lowering: {NAME: {...}}` is merged only where both choose the same.
    """
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        old = entries.get(key)
        node = entry.node if old is None else _over(old.node, entry.node, below(of, key))
        entries[key] = Entry(entry.key, node)
    return Table(over.spot, entries)


def _over(base: Node, over: Node, of: Shape) -> Node:
    if not isinstance(base, Table) or not isinstance(over, Table):
        return over
    if choice(of) and base.entries.keys() != over.entries.keys():
        return over
    return merge(base, over, of)
