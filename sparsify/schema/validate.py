"""A tree becomes a Recipe, or the first mistake in it is told."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from sparsify.errors import Problem
from sparsify.recipe import Recipe
from sparsify.schema.messages import Mistake, explain, wrong_type
from sparsify.schema.nodes import Scalar, Table, plain
from sparsify.schema.places import places
from sparsify.schema.shapes import types


def validate(tree: Table) -> Recipe:
    """The recipe that a tree without `extends` and `vars` says.

    Raises:
        Problem: the first mistake in the text, what is missing last; options of the command line
            come before files.
    """
    mistakes = list(_switches(tree))
    try:
        recipe = Recipe.model_validate(plain(tree))
    except ValidationError as error:
        mistakes += [explain(each, tree) for each in error.errors(include_url=False)]
    if mistakes:
        raise _first(mistakes)
    return recipe


def _first(mistakes: list[Mistake]) -> Problem:
    first = min(mistakes, key=lambda m: (m.is_missing, m.spot.line, m.spot.column, m.spot.file))
    same = [each for each in mistakes if (each.spot, each.dotted) == (first.spot, first.dotted)]
    expected = list(dict.fromkeys(each.expected for each in same if each.expected))
    if len(expected) > 1:
        what = first.what.replace(first.expected, " or ".join(expected), 1)
        return Mistake(first.spot, first.dotted, what).problem
    return first.problem


def _switches(tree: Table) -> Iterator[Mistake]:
    """Where true or false stand for a number: pydantic would take them for 1 and 0."""
    for place in places(tree):
        if isinstance(place.node, Scalar) and isinstance(place.node.value, bool):
            wanted = types(place.of)
            if bool not in wanted and (int in wanted or float in wanted):
                yield wrong_type(place, "a number" if float in wanted else "an integer")
