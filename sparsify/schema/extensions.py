"""`plugins:` of a recipe: files with passes of the user's own, loaded before the recipe is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sparsify.plugin_files import load_file
from sparsify.schema.nodes import Entry, Items, Scalar, Spot, Table

KEY = "plugins"


def rooted(tree: Table, folder: Path) -> Table:
    """The tree with every plugin's path absolute; a relative one starts at `folder`."""
    if KEY not in tree.entries or not isinstance(tree.entries[KEY].node, Items):
        return tree
    entry = tree.entries[KEY]
    found = {id(each): str((folder / str(each.value)).absolute()) for each in _named(tree)}
    assert isinstance(entry.node, Items)
    items = tuple(
        Scalar(each.spot, found[id(each)], each.text)
        if id(each) in found and isinstance(each, Scalar)
        else each
        for each in entry.node.items
    )
    return Table(tree.spot, {**tree.entries, KEY: Entry(entry.key, Items(entry.node.spot, items))})


def add(tree: Table, files: Sequence[Path]) -> Table:
    """The tree with `files`, which the command line names, behind the plugins that it has."""
    if not files:
        return tree
    spot = Spot("--plugin")
    extra = tuple(Scalar(spot, str(path.absolute()), str(path)) for path in files)
    entry = tree.entries.get(KEY, Entry(spot, Items(spot, ())))
    there = entry.node.items if isinstance(entry.node, Items) else ()
    return Table(tree.spot, {**tree.entries, KEY: Entry(entry.key, Items(spot, (*there, *extra)))})


def load_named(tree: Table) -> None:
    """Run the plugins that `tree` names.

    Raises:
        Problem: one cannot be loaded; a file that is missing is told where it is named.
    """
    for each in _named(tree):
        load_file(_as_written(Path(str(each.value))), where=f"{each.spot}: {KEY}")


def _named(tree: Table) -> Iterator[Scalar]:
    entry = tree.entries.get(KEY)
    items = entry.node.items if entry and isinstance(entry.node, Items) else ()
    for each in items:
        if isinstance(each, Scalar) and isinstance(each.value, str):
            yield each


def _as_written(path: Path) -> Path:
    """Messages call a file below the working folder as its user does."""
    here = Path().absolute()
    return path.relative_to(here) if path.is_relative_to(here) else path
