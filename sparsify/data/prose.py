"""What a docstring says in words, without the names that tell where it stands."""

from __future__ import annotations

import re

WORDS = (6, 60)
"""Fewer words are no text; more are cut."""
_LONGEST = 2000
"""Characters of a docstring that are looked at: enough for `WORDS`."""
NAMES = (
    r"hugging ?face|transformers?|pytorch|torch\w*|aten|sympy|pandas|networkx|numpy|scipy|cpython"
    r"|python\d*(?:\.\d+)*|matplotlib|tensorflow|np|pd|nx|hf"
)
_LEAKS = re.compile(rf"(?<![a-z])_*(?:{NAMES})(?![a-z])_*(?:\.(?=\w))?", re.IGNORECASE)
_REMOVED = (
    re.compile(r"^\s*(?:>>>|\.\.\. ).*$", re.MULTILINE),
    re.compile(r"^\s*\.\. .*$", re.MULTILINE),
    re.compile(r"^\s*[-=~^*#]{3,}\s*$", re.MULTILINE),
    re.compile(r"```.*?(?:```|\Z)", re.DOTALL),
    re.compile(r"https?://\S+|www\.\S+"),
    re.compile(r":[a-z]+(?::[a-z]+)?:(?=`)"),
    re.compile(r"\b[vV]?\d+\.\d+(?:\.\d+)*\b"),
)
_MARKUP = re.compile(r"[`|*\\<>\[\]{}$~_#]+")


def prose(docstring: str) -> str | None:
    """About the first sixty words, or None where fewer than six are left.

    Examples, links, roles, versions and the libraries' names are taken out.
    """
    text = docstring[:_LONGEST]
    for removed in _REMOVED:
        text = removed.sub(" ", text)
    text = _MARKUP.sub(" ", _LEAKS.sub(" ", text))
    words = text.split()
    if sum(word[0].isalpha() for word in words) < WORDS[0]:
        return None
    return " ".join(words[: WORDS[1]])
