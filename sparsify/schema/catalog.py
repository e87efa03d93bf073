"""What a recipe can be made of, for programs: every pass, and the methods of every kind."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from typing_extensions import TypedDict

from sparsify.kinds import Kind
from sparsify.pipeline import Pass

Origins: TypeAlias = Mapping[str, str]
"""Module -> where it comes from: `built in`, a file, a package."""

ListedPass = TypedDict(
    "ListedPass", {"summary": str, "exact": bool, "from": str, "schema": dict[str, Any]}
)
"""A pass; `from` is where it comes from, `schema` the JSON Schema of its keys."""

ListedMethod = TypedDict(
    "ListedMethod", {"summary": str, "given": list[str], "from": str, "schema": dict[str, Any]}
)
"""A method; `given` is what it is called with beside its keys."""


class ListedKind(TypedDict):
    """The methods that answer one question."""

    question: str
    members: dict[str, ListedMethod]


class Catalog(TypedDict):
    """What `sparsify passes --json` prints."""

    passes: dict[str, ListedPass]
    kinds: dict[str, ListedKind]


def first_sentence(subject: object) -> str:
    """The first sentence of a docstring, in one line."""
    words = " ".join((inspect.getdoc(subject) or "").partition("\n\n")[0].split())
    return words.partition(". ")[0].rstrip(".")


def catalog_facts(passes: Sequence[type[Pass]], kinds: Sequence[Kind], origins: Origins) -> Catalog:
    """All of them by name."""
    return {
        "passes": {
            cls.tag: {
                "summary": first_sentence(cls),
                "exact": cls.exact,
                "from": origins[cls.__module__],
                "schema": cls.model_json_schema(),
            }
            for cls in passes
        },
        "kinds": {
            kind.name: {
                "question": kind.question,
                "members": {
                    name: {
                        "summary": member.summary,
                        "given": list(member.given),
                        "from": origins[member.function.__module__],
                        "schema": member.options.model_json_schema(),
                    }
                    for name, member in sorted(kind.members.items())
                },
            }
            for kind in kinds
        },
    }
