"""The recipe language: YAML to typed models, with file, line and column for every mistake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparsify import plugins
from sparsify.recipe import Recipe
from sparsify.schema.compose import load
from sparsify.schema.find import builtin_recipes, find, purpose, recipe_folder
from sparsify.schema.overrides import override
from sparsify.schema.validate import validate
from sparsify.schema.variables import substitute
from sparsify.schema.write import json_schema, to_yaml

__all__ = [
    "Loaded",
    "builtin_recipes",
    "json_schema",
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


def read(name_or_path: str, overrides: Sequence[str] = ()) -> Loaded:
    """Read a recipe: what it extends, then `overrides` (`a.b=c`), then its variables.

    Args:
        name_or_path: the name of a built-in recipe, or the path of one.
        overrides: values to set, in order; see overrides.py.

    Raises:
        Problem: the first mistake in the text, with its place and the nearest valid name.
    """
    plugins.load()
    source = find(name_or_path)
    tree = load(source)
    for each in overrides:
        tree = override(tree, each)
    recipe = validate(substitute(tree))
    says = purpose(source) or f"{source.stem}, resolved."
    return Loaded(recipe, f"# {says}\n{to_yaml(recipe)}", source.stem, source)
