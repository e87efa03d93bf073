"""The page of every key that a recipe may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docs.generate import markdown
from sparsify.recipe import Recipe

ABOUT = """# Recipes, key by key

Every section, from the models that recipes are read into: the same that `sparsify schema` prints
for editors. The language around it: [The recipe language](../recipes.md). What can stand below
`passes`: [passes](passes/index.md).

"""
INNER = {"Optimization": "`teacher.fine_tune`", "Input": "One of `capture.inputs`"}
"""Sections inside of sections."""


def page() -> str:
    schema = Recipe.model_json_schema()
    sections = {
        name: found for name, key in schema["properties"].items() if (found := section(schema, key))
    }
    rows = [
        (f"[`{name}`](#{name})" if name in sections else f"`{name}`", markdown.told(key))
        for name, key in schema["properties"].items()
    ]
    parts = [ABOUT, markdown.table(("section", "what it says"), rows)]
    parts += [told(f"`{name}`", found) for name, found in sections.items()]
    parts += [told(title, schema["$defs"][name]) for name, title in INNER.items()]
    return "".join(parts)


def told(title: str, found: Mapping[str, Any]) -> str:
    return f"\n## {title}\n\n{markdown.cited(markdown.told(found))}\n\n{markdown.keys(found)}"


def section(schema: Mapping[str, Any], key: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The definition that a key refers to, if it is a section of its own."""
    for each in (key, *key.get("anyOf", ())):
        if "$ref" in each:
            found: Mapping[str, Any] = schema["$defs"][each["$ref"].rpartition("/")[2]]
            return found
    return None
