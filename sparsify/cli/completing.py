"""What the shell offers at TAB: names that are found without importing what they name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA = "recipe.schema.json"


def recipe_names(incomplete: str) -> list[str]:
    """Built-in recipes and YAML files that begin so."""
    return builtin_names(incomplete) + files(incomplete, (".yaml", ".yml"))


def builtin_names(incomplete: str) -> list[str]:
    """Built-in recipes that begin so."""
    from sparsify.shipped import builtin_recipes

    return [name for name in builtin_recipes() if name.startswith(incomplete)]


def pass_names(incomplete: str) -> list[str]:
    """Passes of ours that begin so, read off the JSON Schema of recipes."""
    from sparsify.shipped import recipe_folder

    path = recipe_folder() / SCHEMA
    passes = json.loads(path.read_text(encoding="utf-8"))["properties"]["passes"]
    return sorted({name for name in _choices(passes) if name.startswith(incomplete)})


def points(incomplete: str) -> list[str]:
    """Where `--after` can look: passes of ours, all of them, the start."""
    return [each for each in ("all", "start") if each.startswith(incomplete)] + pass_names(
        incomplete
    )


def subjects(incomplete: str) -> list[str]:
    """What `sparsify schema` knows."""
    from sparsify.cli.schemas import SUBJECTS

    return [name for name in SUBJECTS if name.startswith(incomplete)]


def files(incomplete: str, suffixes: tuple[str, ...]) -> list[str]:
    """Files of these kinds, and folders, that begin so."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    names = [f"{each}/" if each.is_dir() else str(each) for each in found if each.name[0] != "."]
    return [
        name for name in names if name.startswith(incomplete) and name.endswith(("/", *suffixes))
    ]


def _choices(schema: Any) -> Iterator[str]:
    """The names of the outermost choice of a schema."""
    match schema:
        case {"maxProperties": 1, "properties": dict() as named}:
            yield from named
        case {"anyOf": list() as alternatives}:
            for each in alternatives:
                yield from _choices(each)
        case {"items": inner}:
            yield from _choices(inner)
