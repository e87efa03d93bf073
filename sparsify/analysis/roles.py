"""What each parameter is for, and which of them a recipe's targets mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from sparsify.analysis.products import feeds_another, is_tokenwise, products
from sparsify.errors import Problem
from sparsify.program import Program, aten

ROLES = {
    "body": "the weight of a product that is computed at every token and feeds a further product",
    "head": "the weight of a product that is computed once for each example, or gives the output",
    "embedding": "a table that is looked up by index",
    "vector": "a bias, or the scale or shift of a normalisation",
    "other": "none of these",
}
"""Role -> what it means; recipe targets may name them."""


def roles(program: Program) -> dict[str, str]:
    """Parameter name -> role, for every parameter of the program, in graph order."""
    found: dict[str, str] = {}
    uses = products(program)
    nodes = {use.node for use in uses}
    for use in uses:
        body = is_tokenwise(program, use) and feeds_another(use, nodes - {use.node})
        # a weight that is used twice, once as a head, must keep what the head needs
        if found.get(use.weight) != "head":
            found[use.weight] = "body" if body else "head"
    for node in program.parameters():
        name = str(node.target)
        if any(user.target is aten.embedding.default for user in node.users):
            found[name] = "embedding"
        elif name not in found:
            found[name] = "vector" if program.tensor(name).ndim < 2 else "other"
    return found


def select(known: Mapping[str, str], targets: Sequence[str], *, where: str = "") -> list[str]:
    """The names among `known` (name -> role) that any of `targets` means, in the order of `known`.

    A target is a role, a glob on names, or `re:` and a regular expression for the whole name.

    Raises:
        Problem: a target means nothing at all; the message has the nearest name.
    """
    chosen: set[str] = set()
    for target in targets:
        names = {name for name, role in known.items() if _means(target, name, role, where)}
        if not names:
            raise Problem(
                f"{target!r} matches no parameter", where=where, hint=_towards(target, known)
            )
        chosen |= names
    return [name for name in known if name in chosen]


def _means(target: str, name: str, role: str, where: str) -> bool:
    if target.startswith("re:"):
        try:
            return re.fullmatch(target[3:], name) is not None
        except re.error as error:
            raise Problem(f"{target!r} is no regular expression: {error}", where=where) from None
    return target == role or fnmatchcase(name, target)


def _towards(target: str, known: Mapping[str, str]) -> str:
    """A hint: the nearest role, or the nearest part of a name to a part that no name has."""
    here = sorted(set(known.values()))
    parts = {part for name in known for part in name.split(".")}
    for word in re.split(r"[^\w-]+", target.removeprefix("re:")):
        close = difflib.get_close_matches(word, [*here, *parts], n=1)
        if word and word not in parts and close:
            return f"did you mean {close[0]!r}, as in {_example(close[0], known)!r}?"
    return f"the roles here are {', '.join(here)}; a name is {next(iter(known), '')!r}"


def _example(word: str, known: Mapping[str, str]) -> str:
    """The first name with the role or the part `word`."""
    return next(n for n, role in known.items() if word == role or word in n.split("."))
