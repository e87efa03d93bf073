"""What there is to choose from: passes, the methods of every kind, built-in recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.kinds import Kind
from sparsify.pipeline import Pass
from sparsify.plugin_files import BUILT_IN
from sparsify.schema.catalog import Origins, first_sentence
from sparsify.schema.library import NOT_MEASURED, BuiltIn
from sparsify.view.tables import table


def type_words(schema: Mapping[str, Any]) -> str:
    """The type of a recipe key from its JSON Schema: `number`, `a | b`, `list of string`."""
    if "x-kind" in schema:
        return str(schema["x-kind"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_words(each) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}))}"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return str(schema.get("type", "any")).replace("null", "none")


def keys_words(model: type[BaseModel]) -> str:
    """One line a recipe key: its name, type, and default where it has one."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    lines = []
    for name, each in schema.get("properties", {}).items():
        kind = type_words(each)
        ending = (
            " (required)"
            if name in required
            else f" = {each['default']}"
            if "default" in each
            else ""
        )
        lines.append(f"{name}: {kind}{ending}")
    return "\n".join(lines)


def passes_catalog(passes: Sequence[type[Pass]], origins: Origins) -> Table:
    """One row a pass: what it does, what a recipe may set, whether outputs stay exactly equal."""
    made = table("pass", "what it does", "keys", "exact")
    for cls in passes:
        made.add_row(
            _name(cls.tag, origins[cls.__module__]),
            Text(first_sentence(cls)),
            Text(keys_words(cls)),
            "yes" if cls.exact else "",
        )
    return made


def kind_catalog(kind: Kind, origins: Origins) -> Table:
    """One row a member of `kind`: what it is, what a recipe may set, what it is given."""
    made = table(kind.name, "what it is", "keys", "is given", title=kind.question)
    for name, member in sorted(kind.members.items()):
        made.add_row(
            _name(name, origins[member.function.__module__]),
            Text(member.summary),
            Text(keys_words(member.options)),
            ", ".join(member.given),
        )
    return made


def _name(name: str, origin: str) -> Text:
    """A name, and below it where it comes from; what is built in needs no word."""
    found = Text(name, "bold")
    return found if origin == BUILT_IN else found.append(f"\nfrom {origin}", "not bold dim")


def catalog(
    passes: Sequence[type[Pass]], kinds: Sequence[Kind], origins: Origins
) -> RenderableType:
    """All passes, then the members of each kind that has any."""
    tables = (kind_catalog(kind, origins) for kind in kinds if kind.members)
    return Group(passes_catalog(passes, origins), *tables)


def recipes_view(recipes: Sequence[BuiltIn]) -> RenderableType:
    """A table of built-in recipes for each that recipes need, then how to go on."""
    groups: dict[str, list[BuiltIn]] = {}
    for recipe in recipes:
        groups.setdefault(", ".join(recipe.needs) or "nothing but a model", []).append(recipe)
    how = "sparsify recipes NAME prints one; sparsify run NAME --model FOLDER runs it"
    widest = max((len(recipe.name) for recipe in recipes), default=0)
    tables = [recipes_table(f"needs {need}", found, widest) for need, found in groups.items()]
    return Group(*tables, Text(how, "dim"))


def recipes_table(title: str, recipes: Sequence[BuiltIn], widest: int) -> Table:
    """Built-in recipe -> what it is for, and what came of it where that was measured."""
    made = table("recipe", "what it is for", title=title)
    made.columns[0].min_width = widest
    for recipe in recipes:
        says = Text(recipe.purpose)
        if recipe.expected != NOT_MEASURED:
            says.append(f"\n{recipe.expected}", "green")
        made.add_row(Text(recipe.name, "bold"), says)
    return made
