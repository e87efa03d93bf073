"""The recipe language: YAML to typed models, with file, line and column for every mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sparsify import plugins
from sparsify.recipe import Recipe
from sparsify.schema.aliases import canonical
from sparsify.schema.compose import load, read_tree
from sparsify.schema.extensions import add, load_named, rooted
from sparsify.schema.find import find, purpose
from sparsify.schema.nodes import Spot, Table, compose
from sparsify.schema.overrides import override
from sparsify.schema.places import chosen, locate
from sparsify.schema.validate import validate
from sparsify.schema.variables import substitute
from sparsify.schema.write import json_schema, to_yaml
from sparsify.shipped import builtin_recipes, recipe_folder

__all__ = [
    "Loaded",
    "builtin_recipes",
    "json_schema",
    "parse",
    "purpose",
    "read",
    "recipe_folder",
    "to_yaml",
]


@dataclass(frozen=True)
class Loaded:
    """A recipe that was read."""

    recipe: Recipe
    text: str
    """The recipe as YAML without `extends` and `vars`; reading it gives an equal recipe."""
    name: str
    """Its file's name without the suffix."""
    source: Path | None
    """Its file."""
    tree: Table = field(repr=False)
    """Its text, in which every value knows where it stands."""

    def at(self, *keys: str | int) -> str:
        """Where the value under `keys` stands and what it is called: `cap.yaml:9:5: train.freeze`.

        What is not in the text has the place of what encloses it. Passes are called by their tag.
        """
        place = locate(self.tree, keys)
        return f"{place.spot}: {'.'.join(chosen(place).dotted or map(str, keys))}"

    def at_pass(self, *keys: str | int) -> str:
        """The same for a key of a pass; an empty last key means the pass itself."""
        return self.at(*(key for key in keys if key != ""))


def read(
    name_or_path: str, overrides: Sequence[str] = (), *, plugin_files: Sequence[Path] = ()
) -> Loaded:
    """Read a recipe: what it extends, then `overrides` (`a.b=c`), then its variables.

    Args:
        name_or_path: the name of a built-in recipe, or the path of one.
        overrides: values to set, in order; see overrides.py.
        plugin_files: files with passes of the user's own, beside those that the recipe names.

    Raises:
        Problem: the first mistake in the text, with its place and the nearest valid name.
    """
    plugins.load()
    source = find(name_or_path)
    tree = add(load(source), plugin_files)
    recipe, tree = _finished(tree, overrides)
    says = purpose(source) or f"{source.stem}, resolved."
    return Loaded(recipe, f"# {says}\n{to_yaml(recipe)}", source.stem, source, tree)


def parse(recipe: str | Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """A recipe from YAML text or from plain values; messages call it `recipe`, with line and column
    where there is a text.

    Args:
        recipe: what a file would hold, `vars` and `plugins` included, `extends` not.
        overrides: as for `read`.

    Raises:
        Problem: the first mistake in it.
    """
    plugins.load()
    if isinstance(recipe, str):
        tree = read_tree(recipe, "recipe")
    else:
        written = yaml.safe_dump(dict(recipe), sort_keys=False)
        node = compose(written, lambda _mark: Spot("recipe"))
        assert isinstance(node, Table)
        tree = node
    found, _ = _finished(tree, overrides)
    return found


def _finished(tree: Table, overrides: Sequence[str]) -> tuple[Recipe, Table]:
    """The recipe that a tree says with `overrides`, and the tree with them."""
    tree = canonical(tree)
    # an option may set a key of a pass that only a plugin knows, or name a plugin
    load_named(tree)
    for each in overrides:
        tree = override(tree, each)
    tree = rooted(canonical(tree), Path())
    load_named(tree)
    return validate(substitute(tree)), tree
