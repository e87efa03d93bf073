"""Kinds: a function is a name in recipes, its keyword-only parameters are its keys."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from sparsify.kinds import Chosen, Kind

taste = Kind("taste", "how does it taste?", ("food", "drink"))


@taste
def plain(food: str) -> str:
    """As it is.

    Nothing more.
    """
    return food


@taste
def very_salty(food: str, drink: str, *, grams: Annotated[int, Field(gt=0)] = 3) -> str:
    """With salt."""
    return f"{food}, {drink}, {grams} g"


@taste
def dosed(*, grams: int) -> int:
    """Says how much."""
    return grams


class Meal(BaseModel):
    taste: Annotated[Chosen, taste]


def test_a_member_is_named_after_its_function_and_says_what_it_is_given() -> None:
    member = taste.members["very-salty"]
    assert member.given == ("food", "drink")
    assert member.summary == "With salt."
    assert taste.members["plain"].summary == "As it is."
    assert list(member.options.model_fields) == ["grams"]


def test_only_what_is_needed_is_handed_on() -> None:
    assert taste.choose("plain")(food="rice", drink="tea") == "rice"
    assert taste.choose("very-salty", grams=5)(food="rice", drink="tea") == "rice, tea, 5 g"
    assert taste.choose("very-salty").needs == ("food", "drink")


@pytest.mark.parametrize("written", ["plain", "very-salty", {"very-salty": {"grams": 4}}])
def test_what_is_read_is_written_again(written: Any) -> None:
    meal = Meal(taste=written)
    assert meal.model_dump()["taste"] == written
    assert Meal.model_validate(meal.model_dump()) == meal


def test_text_has_the_options_that_were_set() -> None:
    assert str(taste.choose("plain")) == "plain"
    assert str(taste.choose("very-salty", grams=4)) == "very-salty(grams=4)"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("sweet", "no taste named 'sweet'"),
        (3, "expected `name` or `name: {options}`"),
        ({"plain": {}, "very-salty": {}}, "expected `name` or `name: {options}`"),
        ({"very-salty": {"gram": 4}}, "Extra inputs are not permitted"),
        ({"very-salty": {"grams": 0}}, "Input should be greater than 0"),
        ("dosed", "Field required"),
    ],
)
def test_a_mistake_is_named(written: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Meal(taste=written)
    assert caught.value.errors()[0]["msg"] == said


def test_a_name_belongs_to_one_function() -> None:
    with pytest.raises(TypeError, match=r"the taste 'plain' is taken by one of .*test_kinds"):
        taste(plain)


def test_a_function_may_only_ask_for_what_its_kind_is_given() -> None:
    def sour(spoon: str) -> str:
        return spoon

    with pytest.raises(TypeError, match=r"taste 'sour' asks for \['spoon'\]"):
        taste(sour)
    assert "sour" not in taste.members


def test_the_schema_offers_bare_names_only_where_no_option_is_required() -> None:
    schema = TypeAdapter(Meal).json_schema()["properties"]["taste"]
    assert schema["description"] == "how does it taste?"
    bare, full = schema["anyOf"]
    assert bare == {"enum": ["plain", "very-salty"]}
    assert sorted(full["properties"]) == ["dosed", "plain", "very-salty"]
    assert full["additionalProperties"] is False
