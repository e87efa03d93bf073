"""How a word of YAML becomes a number, true, false, null or text."""

from __future__ import annotations

import re
from typing import Any

_TAG = "tag:yaml.org,2002:"
MERGE = f"{_TAG}merge"
"""The tag of the key `<<`."""
FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?$"
    r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
)
"""What is read as a number; unlike YAML 1.1 it takes `5e-5`."""
INTEGER = re.compile(r"[-+]?[0-9][0-9_]*$")
"""What is read as an integer; unlike YAML 1.1 a leading zero is no octal sign."""
RESOLVERS: dict[Any, list[tuple[str, re.Pattern[str]]]] = {
    None: [
        (f"{_TAG}bool", re.compile(r"(?:yes|no|true|false|on|off)$", re.IGNORECASE)),
        (f"{_TAG}null", re.compile(r"(?:~|null|)$", re.IGNORECASE)),
        (MERGE, re.compile(r"<<$")),
        (f"{_TAG}int", INTEGER),
        (f"{_TAG}float", FLOAT),
    ]
}
"""The tags of plain words, in the form that PyYAML asks for; what matches none is text."""


def value_of(tag: str, text: str) -> str | int | float | bool | None:
    """The value that `text` has under the tag that it was resolved to."""
    match tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() in ("yes", "true", "on")
        case "int":
            return int(text.replace("_", ""))
        case "float":
            return float(re.sub(r"[._](?=inf|nan)|_", "", text.lower()))
        case _:
            return text
