"""Every generated page by its path, and the menu that leads to it."""

from __future__ import annotations

from functools import cache
from typing import Any

from docs.generate import commands, methods, passes, python, recipe
from sparsify import plugins
from sparsify.kinds import KINDS


@cache
def pages() -> dict[str, str]:
    """Path below the documentation -> Markdown, or the SVG of a picture."""
    plugins.load()
    found = {
        "reference/recipe.md": recipe.page(),
        "reference/commands.md": commands.page(),
        "reference/python.md": python.page(),
        "reference/passes/index.md": passes.index(),
    }
    for cls in passes.known():
        found |= passes.pages(cls)
    for kind in KINDS:
        found[f"reference/{methods.folder(kind)}/index.md"] = methods.index(kind)
        for member in kind.members.values():
            found |= methods.pages(kind, member)
    return found


def menu() -> list[dict[str, Any]]:
    """The reference as MkDocs wants its menus."""

    def section(folder: str) -> list[str]:
        return sorted(
            (path for path in pages() if path.startswith(f"{folder}/") and path.endswith(".md")),
            key=lambda path: (not path.endswith("index.md"), path),
        )

    parts: list[Any] = [
        {"Recipes": "reference/recipe.md"},
        {"Passes": section("reference/passes")},
        *(
            {methods.folder(kind).capitalize(): section(f"reference/{methods.folder(kind)}")}
            for kind in KINDS
        ),
        {"Commands": "reference/commands.md"},
        {"Python": "reference/python.md"},
    ]
    return [{"Reference": parts}]
