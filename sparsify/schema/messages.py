"""Validation errors in our own words: what was expected, what is there, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from sparsify.errors import Problem, nearest
from sparsify.recipe import Recipe
from sparsify.schema.nodes import Items, Node, Scalar, Spot, Table
from sparsify.schema.places import Place, chosen, locate
from sparsify.schema.shapes import bounds, fields, words

EXPECTED = {
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "int_parsing_size": "a smaller integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "none_required": "nothing",
}
"""Types of pydantic's errors -> what should stand there."""


@dataclass(frozen=True)
class Mistake:
    """One sentence about one place."""

    spot: Spot
    dotted: tuple[str, ...]
    what: str
    hint: str = ""
    expected: str = ""
    """What should stand there, for sentences that can be joined."""
    is_missing: bool = False

    @property
    def problem(self) -> Problem:
        key = ".".join(self.dotted)
        return Problem(
            f"{key}: {self.what}" if key else self.what, where=str(self.spot), hint=self.hint
        )


def explain(error: ErrorDetails, tree: Table) -> Mistake:
    """One of pydantic's errors as a sentence about a place in the text."""
    kind, loc = error["type"], error["loc"]
    if kind == "missing":
        return _missing(locate(tree, loc[:-1]), str(loc[-1]))
    if kind == "extra_forbidden":
        return _unknown_key(locate(tree, loc[:-1]), locate(tree, loc), str(loc[-1]))
    place = locate(tree, loc)
    if kind in ("value_error", "assertion_error"):
        # a model speaks of its keys, so of the body of a choice
        place = chosen(place)
    if kind in EXPECTED:
        return wrong_type(chosen(place), EXPECTED[kind])
    context = error.get("ctx", {})
    if kind in SENTENCES:
        what, hint = SENTENCES[kind](place, context)
    else:
        what, hint = error["msg"][:1].lower() + error["msg"][1:], context.get("hint", "")
    spot = place.spot
    if kind == "unknown_name" and isinstance(place.node, Table):
        spot = next(iter(place.node.entries.values())).key
    return Mistake(spot, place.dotted, what, hint)


def _missing(place: Place, key: str) -> Mistake:
    body = chosen(place)
    return Mistake(body.spot, (*body.dotted, key), "required, but missing", is_missing=True)


def _unknown_key(outer: Place, inner: Place, key: str) -> Mistake:
    known = list(fields(chosen(outer).of))
    if outer.of == (Recipe,):
        known += ["extends", "vars"]
    hint = nearest(key, known) if known else "it takes no keys"
    return Mistake(inner.key, inner.dotted, "unknown key", hint)


def wrong_type(place: Place, expected: str) -> Mistake:
    """That `expected` should stand where something else does."""
    hint = ""
    if expected == "text" and isinstance(place.node, Scalar) and place.node.text:
        hint = f"put it in quotes: {place.node.text!r}"
    what = f"expected {expected}, not {describe(place.node)}"
    return Mistake(place.spot, place.dotted, what, hint, expected)


def describe(node: Node) -> str:
    """A value as a message shows it."""
    match node:
        case Items():
            return "a list"
        case Table():
            return "keys with values"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=str() as text):
            return repr(text)
        case Scalar():
            return node.text


def _out_of_bounds(place: Place, _context: dict[str, Any]) -> tuple[str, str]:
    limits = bounds(place.of) or _context
    says = {
        "ge": "at least {}",
        "gt": "greater than {}",
        "le": "at most {}",
        "lt": "less than {}",
    }
    if {"ge", "le"} <= limits.keys():
        wanted = f"between {limits['ge']:g} and {limits['le']:g}"
    else:
        wanted = " and ".join(s.format(f"{limits[n]:g}") for n, s in says.items() if n in limits)
    return f"must be {wanted}, not {describe(place.node)}", ""


def _not_listed(place: Place, context: dict[str, Any]) -> tuple[str, str]:
    found = describe(place.node)
    text = place.node.text if isinstance(place.node, Scalar) else ""
    known = words(place.of)
    close = difflib.get_close_matches(text, known, n=1, cutoff=0.5) if len(known) > 1 else []
    what = f"expected {context['expected']}, not {found}"
    return what, f"did you mean {close[0]!r}?" if close else ""


def _choice(place: Place, _context: dict[str, Any]) -> tuple[str, str]:
    if isinstance(place.node, Table) and len(place.node.entries) > 1:
        first, second, *_ = place.node.entries
        if describe(place.node.entries[first].node) == "nothing":
            what = f"{second!r} stands beside {first!r}, not inside it"
            return what, "indent it further"
        return "expected one name", f"{first!r} and {second!r} are two"
    return f"expected `name` or `name: {{options}}`, not {describe(place.node)}", ""


def _length(word: str) -> Callable[[Place, dict[str, Any]], tuple[str, str]]:
    def sentence(_place: Place, context: dict[str, Any]) -> tuple[str, str]:
        limit = context["max_length"] if word == "at most" else context["min_length"]
        entries = "entry" if limit == 1 else "entries"
        return f"expected {word} {limit} {entries}, not {context['actual_length']}", ""

    return sentence


def _own_words(_place: Place, context: dict[str, Any]) -> tuple[str, str]:
    what, _, hint = str(context["error"]).partition("; ")
    return what, hint


BOUNDS: Sequence[str] = ("greater_than_equal", "greater_than", "less_than_equal", "less_than")
SENTENCES: dict[str, Callable[[Place, dict[str, Any]], tuple[str, str]]] = {
    **dict.fromkeys(BOUNDS, _out_of_bounds),
    "literal_error": _not_listed,
    "enum": _not_listed,
    "choice": _choice,
    "too_long": _length("at most"),
    "too_short": _length("at least"),
    "value_error": _own_words,
    "assertion_error": _own_words,
}
"""Types of pydantic's errors -> what is wrong, and a hint."""
