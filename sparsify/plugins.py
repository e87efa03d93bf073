"""Finds and imports what extends the toolkit: every entry point of the group `sparsify.plugins`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

GROUP = "sparsify.plugins"


@cache
def load() -> tuple[str, ...]:
    """Import every plugin, which registers its passes and kinds, and return their names, sorted.

    The first call imports, later ones only answer. What a plugin raises while it is imported
    surfaces as it is.
    """
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    for point in found:
        point.load()
    return tuple(point.name for point in found)
