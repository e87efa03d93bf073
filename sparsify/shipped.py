"""Where the recipes lie that are shipped: in the package, or beside it in a working copy."""

from __future__ import annotations

from pathlib import Path

import sparsify


def recipe_folder() -> Path:
    """The folder of the built-in recipes."""
    package = Path(sparsify.__path__[0])
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


def builtin_recipes() -> dict[str, Path]:
    """Name -> file of every recipe that is shipped, sorted by name."""
    return {path.stem: path for path in sorted(recipe_folder().glob("*.yaml"))}
