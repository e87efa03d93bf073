"""What a user is meant to read when something is wrong: what, where, and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class Problem(Exception):
    """A mistake in a recipe, a model, a file or a precondition of a pass; never a bug of ours.

    The message is one line, `where: what; hint`. The command line prints it and exits with 2.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        line = f"{where}: {what}" if where else what
        super().__init__(f"{line}; {hint}" if hint else line)


class CheckFailed(Exception):
    """A check on a result did not hold: parity, an accuracy floor. The command exits with 1."""


class Violation(AssertionError):
    """The spec or a pass's promise was broken. A bug of the pass, never a user's mistake."""


class Clash(TypeError):
    """Two passes, or two methods of a kind, claim one name. The plugin that came later is wrong."""


def first_mistake(error: ValidationError) -> str:
    """`key: message` of the first thing that pydantic found wrong."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint towards the closest of `known`, or all of them when none is close and they are few."""
    names = sorted(set(known))
    if close := difflib.get_close_matches(name, names, n=1, cutoff=0.5):
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 12 else ""


def unknown(kind: str, name: str, known: Iterable[str], *, where: str = "") -> Problem:
    """The problem of a name that is not in a closed list, with the nearest one that is."""
    return Problem(f"no {kind} named {name!r}", where=where, hint=nearest(name, known))
