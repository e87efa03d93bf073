"""A recipe in whatever form it is at hand in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from sparsify import schema
from sparsify.choice import write_choice
from sparsify.pipeline import Pass
from sparsify.recipe import Recipe

Said: TypeAlias = Recipe | str | Path | Mapping[str, Any] | Sequence[Pass | str | Mapping[str, Any]]
"""A recipe in any form: itself, its name or file, its values, or its passes as in YAML."""


def read(said: Said) -> Recipe:
    """A recipe from what is `said`: a name, a file, values as in YAML, or a list of passes.

    `read("wanda-oneshot-50")`, `read("mine.yaml")`, `read(["insert-masks", {"prune": {...}}])`,
    `read({"passes": [...], "train": {"steps": 500}})`.

    Raises:
        Problem: there is no such recipe, or a mistake in it, with its place.
    """
    if isinstance(said, Recipe):
        return said
    if isinstance(said, str | Path):
        return schema.read(str(said)).recipe
    if isinstance(said, Mapping):
        return schema.parse(said)
    passes = [write_choice(each.tag, each) if isinstance(each, Pass) else each for each in said]
    return schema.parse({"passes": passes})
