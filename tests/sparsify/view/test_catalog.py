from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal

import pytest
from expecttest import assert_expected_inline
from pydantic import BaseModel

from sparsify.kinds import KINDS, Kind
from sparsify.pipeline import Pass
from sparsify.plugin_files import BUILT_IN
from sparsify.schema.catalog import catalog_facts, first_sentence
from sparsify.schema.library import BuiltIn
from sparsify.view.catalog import catalog, keys_words, kind_catalog, recipes_view, type_words

ALL = [cls for _, cls in sorted(Pass.known.items())]
BUILT_IN_ALL = defaultdict(lambda: BUILT_IN)


class Options(BaseModel):
    share: float
    form: Literal["a", "b"] = "a"
    names: list[str] = ["*"]
    rows: int | None = None


def test_keys_show_type_and_default() -> None:
    assert keys_words(Options).splitlines() == [
        "share: number (required)",
        "form: a | b = a",
        "names: list of string = ['*']",
        "rows: integer | none = None",
    ]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"const": 3}, "3"),
        ({"$ref": "#/$defs/Scores"}, "Scores"),
        ({}, "any"),
        ({"type": "array"}, "list of any"),
    ],
)
def test_types_are_words(schema: dict[str, Any], words: str) -> None:
    assert type_words(schema) == words


def test_a_kind_lists_its_members_with_their_question(rendered: Callable[..., str]) -> None:
    colour = Kind("colour", "which colour is it?", ("weight",))

    @colour
    def deep_red(weight: object, *, depth: float = 0.5) -> None:
        """Red. The second sentence is for the reader of the code."""

    assert_expected_inline(
        rendered(kind_catalog(colour, BUILT_IN_ALL), encoding="ascii"),
        """\
which colour is it?
+------------------------------------------------------------------------------+
|colour   | what it is                         | keys                | is given|
|---------+------------------------------------+---------------------+---------|
|deep-red | Red. The second sentence is for    | depth: number = 0.5 | weight  |
|         | the reader of the code.            |                     |         |
+------------------------------------------------------------------------------+""",
    )


def test_a_first_sentence_is_one_line() -> None:
    assert first_sentence(Pass).count("\n") == 0


@pytest.mark.parametrize("width", [80, 120])
def test_every_pass_and_every_member_is_listed(rendered: Callable[..., str], width: int) -> None:
    shown = rendered(catalog(ALL, KINDS, BUILT_IN_ALL), width=width)
    for name in [cls.tag for cls in ALL] + [name for kind in KINDS for name in kind.members]:
        assert name in shown
    assert max(map(len, shown.splitlines())) <= width


def test_programs_get_the_same_list() -> None:
    facts = catalog_facts(ALL, KINDS, BUILT_IN_ALL)
    assert set(facts["passes"]) == set(Pass.known)
    assert set(facts["kinds"]) == {kind.name for kind in KINDS}


def test_recipes_have_a_purpose(rendered: Callable[..., str]) -> None:
    demo = BuiltIn(name="demo", purpose="To see it work.", needs=[], expected="0.94 of dense.")
    shown = rendered(recipes_view([demo]))
    assert "needs nothing but a model" in shown
    assert "To see it work." in shown
    assert "0.94 of dense." in shown
