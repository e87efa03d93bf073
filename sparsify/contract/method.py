"""The checks of a method: a criterion, pattern, schedule, loss or lowering."""

from __future__ import annotations

from sparsify.contract.check import SOURCE, Outcome
from sparsify.kinds import Kind, Member

CITED = ("criterion", "loss")
"""Kinds whose members come from somewhere."""


def check_method(kind: Kind, member: Member) -> list[Outcome]:
    """Whether a method says what it is and, if its kind is a published one, where it is from."""
    says = member.function.__doc__ or ""
    found = [Outcome("says what it does", fault="" if says.strip() else "it has no docstring")]
    if kind.name in CITED:
        wanted = "no arXiv:NUMBER, doi:NUMBER or `Source: ...` in its docstring"
        found.append(Outcome("names its source", fault="" if SOURCE.search(says) else wanted))
    return found
