"""Where a value stands in a JSON text, by the keys that lead to it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
_read = json.JSONDecoder().raw_decode


def place(text: str, keys: Sequence[str | int]) -> tuple[int, int]:
    """The line and column, both from 1, of the value that `keys` lead to, as far as they lead.

    `text` must be JSON. What lies before the value is skipped by the decoder, not looked at.
    """
    at = _next(text, 0)
    for key in keys:
        child = _child(text, at, key)
        if child is None:
            break
        at = child
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _child(text: str, at: int, key: str | int) -> int | None:
    """Where the member `key` of the object or array that begins at `at` begins."""
    is_object = text[at] == "{"
    if not is_object and text[at] != "[":
        return None
    at, number = _next(text, at + 1), 0
    while text[at] not in "]}":
        name: object = number
        if is_object:
            name, at = _read(text, at)
            at = _next(text, _next(text, at) + 1)
        if name == key:
            return at
        _, at = _read(text, at)
        at = _next(text, at)
        at, number = _next(text, at + 1) if text[at] == "," else at, number + 1
    return None


def _next(text: str, at: int) -> int:
    """The first place from `at` on that is no space."""
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()
