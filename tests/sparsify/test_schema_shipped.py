"""The recipes that are shipped, and the JSON Schema that editors check them with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparsify import plugins
from sparsify.kinds import KINDS
from sparsify.pipeline import Pass
from sparsify.schema import builtin_recipes, json_schema, purpose, read, recipe_folder

MODELINE = "# yaml-language-server: $schema=recipe.schema.json"
RECIPES = sorted(builtin_recipes().values())


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The schema without what other tests have registered."""
    plugins.load()
    ours = {t: c for t, c in Pass.known.items() if c.__module__.startswith("passes.")}
    monkeypatch.setattr(Pass, "known", ours)
    for kind in KINDS:
        for name, member in list(kind.members.items()):
            if not member.function.__module__.startswith("passes."):
                monkeypatch.delitem(kind.members, name)
    return json_schema()


def inside(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from inside(item)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item)


def test_there_are_built_in_recipes() -> None:
    assert "magnitude-oneshot" in builtin_recipes()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_says_what_it_is_for_in_one_sentence(path: Path) -> None:
    assert re.fullmatch(r"[A-Z].{20,97}\.", purpose(path)), purpose(path)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_names_the_schema_for_editors(path: Path) -> None:
    assert path.read_text(encoding="utf-8").splitlines()[1] == MODELINE


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_resolves_to_text_that_reads_the_same(path: Path, tmp_path: Path) -> None:
    loaded = read(path.stem)
    again = tmp_path / "again.yaml"
    again.write_text(loaded.text, encoding="utf-8")
    assert read(str(again)).recipe == loaded.recipe
    assert read(str(again)).text == loaded.text


def test_the_shipped_schema_is_the_one_that_the_code_makes(schema: dict[str, Any]) -> None:
    """If not: `sparsify schema > recipes/recipe.schema.json`."""
    shipped = recipe_folder() / "recipe.schema.json"
    assert json.loads(shipped.read_text(encoding="utf-8")) == schema


def test_every_reference_of_the_schema_leads_somewhere(schema: dict[str, Any]) -> None:
    targets = {each["$ref"] for each in inside(schema) if isinstance(each.get("$ref"), str)}
    assert "#/$defs/reference" in targets
    assert {target.removeprefix("#/$defs/") for target in targets} <= schema["$defs"].keys()


def test_the_schema_knows_the_language_around_the_recipe(schema: dict[str, Any]) -> None:
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["title"] == "A recipe of sparsify"
    assert schema["properties"].keys() >= {"extends", "vars", "model", "passes", "train"}
    assert schema["anyOf"] == [{"required": ["passes"]}, {"required": ["extends"]}]
    assert schema["additionalProperties"] is False


def test_a_number_of_the_schema_may_be_a_variable(schema: dict[str, Any]) -> None:
    assert schema["properties"]["seed"]["anyOf"] == [
        {"type": "integer"},
        {"$ref": "#/$defs/reference"},
    ]


def test_a_model_of_the_schema_may_be_text_and_needs_no_path(schema: dict[str, Any]) -> None:
    text, keys = schema["$defs"]["Model"]["anyOf"]
    assert text == {"type": "string"}
    assert "required" not in keys


def test_the_schema_names_every_pass(schema: dict[str, Any]) -> None:
    named = {key for each in inside(schema) for key in each}
    assert named >= Pass.known.keys()


def test_a_recipe_without_a_first_comment_has_no_purpose(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("passes: []\n# later\n")
    assert purpose(path) == ""


def undescribed(schema: Any, of: str = "recipe") -> Iterator[str]:
    """Keys of sections and passes that say nothing about themselves; options of methods are
    told by the docstring of the method.
    """
    if isinstance(schema, list):
        for item in schema:
            yield from undescribed(item, of)
    if not isinstance(schema, dict):
        return
    methods = "x-kind" in schema
    for name, value in schema.get("properties", {}).items():
        if not methods and not value.keys() & {"description", "$ref"}:
            yield f"{of}.{name}"
        yield from undescribed(value, name)
    for key, value in schema.items():
        if key == "$defs":
            for name, definition in value.items():
                yield from undescribed(definition, name)
        elif key != "properties" and not methods:
            yield from undescribed(value, of)


def test_every_key_of_a_recipe_tells_editors_what_it_is(schema: dict[str, Any]) -> None:
    assert sorted(set(undescribed(schema))) == []
