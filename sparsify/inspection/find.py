"""Which weight a user means: by its name, the end of it, a glob, or a few letters."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from sparsify.errors import Problem, nearest
from sparsify.inspection.facts import Weight

MOST_NAMED = 2
"""Candidates that a mistake names."""


def find_weight(weights: Sequence[Weight], said: str, *, where: str) -> Weight:
    """The one weight that `said` means.

    What is tried, in order: the whole name, its end, a glob, and letters that its parts begin
    with: `3.q` is the query of layer 3, `3.up` the weight whose role is `ffn.up`, for parts of
    roles count as well, and before parts of names. Matrices come before vectors.

    Raises:
        Problem: it means none, or several; the message names the nearest.
    """
    several: list[Weight] = []
    for means in (_is, _ends, _matches, _by_role, _by_name):
        found = [weight for weight in weights if means(weight, said)]
        found = [weight for weight in found if weight.role != "vector"] or found
        if len(found) == 1:
            return found[0]
        several = several or found
    if several:
        named = ", ".join(weight.name for weight in several[:MOST_NAMED])
        more = f" and {len(several) - MOST_NAMED} more" if len(several) > MOST_NAMED else ""
        raise Problem(f"means {len(several)} weights", where=where, hint=f"{named}{more}")
    names = [weight.name for weight in weights]
    raise Problem("matches no weight", where=where, hint=nearest(said, names))


def _is(weight: Weight, said: str) -> bool:
    return weight.name == said


def _ends(weight: Weight, said: str) -> bool:
    return f".{weight.name}".endswith((f".{said}", f".{said}.weight"))


def _matches(weight: Weight, said: str) -> bool:
    return fnmatchcase(weight.name, said)


def _by_role(weight: Weight, said: str) -> bool:
    """Numbers and letters of the name, then the beginning of the last part of the role."""
    *places, part = said.split(".")
    last = weight.role.rpartition(".")[2]
    return bool(places and part) and last.startswith(part) and _in_order(weight.name, places)


def _by_name(weight: Weight, said: str) -> bool:
    return _in_order(weight.name, said.split("."))


def _in_order(name: str, said: Sequence[str]) -> bool:
    """Whether parts of the name begin with what was said, in this order; numbers are whole."""
    parts = iter(name.removesuffix(".weight").split("."))
    return all(any(_begins(part, each) for part in parts) for each in said if each)


def _begins(part: str, said: str) -> bool:
    return part == said if said.isdigit() else part.startswith(said)
