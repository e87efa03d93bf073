"""Texts and names that differ by numbers only, as one."""

from __future__ import annotations

import re
from collections.abc import Sequence

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
LAYER = re.compile(r"(?<=\.)\d+(?=\.)")


def merged(texts: Sequence[str]) -> str:
    """`5 to 9 of 12 heads zero` for texts of one wording."""
    columns = zip(*(NUMBER.findall(text) for text in texts), strict=True)
    found = iter([_range(column) for column in columns])
    return NUMBER.sub(lambda _: next(found), texts[0])


def _range(column: Sequence[str]) -> str:
    ordered = sorted(set(column), key=lambda each: float(each.replace(",", "")))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def of_all_layers(name: str) -> str:
    """`encoder.layer.*.query.weight` for the weight of any layer."""
    return LAYER.sub("*", name)
