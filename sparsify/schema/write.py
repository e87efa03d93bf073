"""A recipe as YAML that reads back to the same recipe, and the JSON Schema of all recipes."""

from __future__ import annotations

from typing import Any

import yaml

from sparsify import plugins
from sparsify.recipe import Recipe
from sparsify.schema.aliases import ALIASES, OF_DATA
from sparsify.schema.scalars import FLOAT, INTEGER
from sparsify.schema.variables import escape

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {"$ref": "#/$defs/reference"}
_TOLD = ("title", "description", "default")
"""What editors show of a key; it belongs beside `anyOf`, not inside."""


class _Dumper(yaml.SafeDumper):
    """Block style with indented lists; text that looks like a number is quoted."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, _data: object) -> bool:
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:int", INTEGER, list("-+0123456789"))


def to_yaml(recipe: Recipe) -> str:
    """The recipe in block style, without what was left to its default."""
    tree = _escaped(recipe.model_dump(mode="json", exclude_unset=True))
    text: str = yaml.dump(
        tree,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=100,
    )
    return text


def json_schema() -> dict[str, Any]:
    """What an editor needs to complete and check recipes, with every plugin's passes and kinds.

    A child of `extends` may leave out what its base says, and `${name}` may stand for any value.
    """
    plugins.load()
    schema = Recipe.model_json_schema()
    properties, definitions = schema["properties"], schema["$defs"]
    name = properties["model"]["anyOf"][0]["$ref"].rpartition("/")[2]
    del definitions[name]["required"]
    definitions[name] = {"anyOf": [{"type": "string"}, definitions[name]]}
    scalar = {"type": ["string", "number", "boolean", "null"]}
    values = {"anyOf": [scalar, {"type": "array", "items": scalar}]}
    opening = {
        "extends": {
            "description": "The recipe that this one changes: a built-in name or a path.",
            "type": "string",
        },
        "vars": {
            "description": "Values by name; `${name}` stands for them.",
            "type": "object",
            "additionalProperties": values,
        },
    }
    _add_aliases(definitions)
    reference = {"type": "string", "pattern": r"^\$\{[^{}]+\}$"}
    return {
        "$schema": DRAFT,
        "title": "A recipe of sparsify",
        "type": "object",
        "properties": opening | _with_references(properties),
        "additionalProperties": False,
        "anyOf": [{"required": ["passes"]}, {"required": ["extends"]}],
        "$defs": _with_references(definitions) | {"reference": reference},
    }


def _add_aliases(definitions: dict[str, Any]) -> None:
    """Let editors take Hugging Face's names in the sections that take them."""
    for section, aliases in (("Optimization", ALIASES), ("Train", ALIASES), ("Data", OF_DATA)):
        keys = definitions[section]["properties"]
        for alias, name in aliases.items():
            if name in keys:
                keys[alias] = keys[name] | {"description": f"Hugging Face's name of `{name}`."}


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return escape(value)
        case list() | tuple():
            return [_escaped(item) for item in value]
        case dict():
            return {key: _escaped(item) for key, item in value.items()}
        case _:
            return value


def _with_references(schema: Any) -> Any:
    """The schema with `${name}` allowed wherever something else than free text is expected."""
    match schema:
        case list():
            return [_with_references(item) for item in schema]
        case dict():
            inner = {key: _with_references(item) for key, item in schema.items()}
            if schema.get("type") in ("integer", "number", "boolean", "array") or "enum" in schema:
                told = {key: inner.pop(key) for key in _TOLD if key in inner}
                return told | {"anyOf": [inner, _REFERENCE]}
            return inner
        case _:
            return schema
