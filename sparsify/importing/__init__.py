"""Recipes of other tools become ours, and every key of them is accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from typing_extensions import TypedDict

from sparsify import plugins
from sparsify.errors import Problem, first_mistake
from sparsify.importing.draft import Length
from sparsify.importing.nn_pruning import is_nn_pruning, read_nn_pruning
from sparsify.importing.nncf import is_nncf, read_nncf
from sparsify.importing.reading import read_old
from sparsify.importing.rows import FATES, Account, Fate, KeyFacts, Row
from sparsify.importing.sparseml import is_sparseml, read_sparseml
from sparsify.recipe import Recipe
from sparsify.schema.write import to_yaml

__all__ = ["FATES", "ImportFacts", "Imported", "Length", "Row", "import_recipe"]

READERS = {
    "SparseML or llm-compressor": (is_sparseml, read_sparseml),
    "nn_pruning": (is_nn_pruning, read_nn_pruning),
    "NNCF": (is_nncf, read_nncf),
}


class ImportFacts(TypedDict):
    """What `sparsify import-recipe --json` prints."""

    source: str
    tool: str
    keys: list[KeyFacts]
    counts: dict[Fate, int]
    """How many keys met each fate."""
    recipe: str
    """The recipe as YAML."""


@dataclass(frozen=True)
class Imported:
    """A recipe that was another tool's."""

    source: Path
    tool: str
    rows: list[Row]
    recipe: Recipe
    text: str
    """The recipe as YAML, its comments saying what is not the same."""

    def count(self, fate: str) -> int:
        """How many keys met this fate."""
        return sum(row.fate == fate for row in self.rows)

    def facts(self) -> ImportFacts:
        """The import for programs."""
        return {
            "source": str(self.source),
            "tool": self.tool,
            "keys": [row.facts() for row in self.rows],
            "counts": {fate: self.count(fate) for fate in FATES},
            "recipe": self.text,
        }


def import_recipe(path: Path, length: Length = Length()) -> Imported:  # noqa: B008 (frozen)
    """Read the recipe of another tool as one of ours.

    Args:
        path: YAML, Markdown with front matter, or JSON.
        length: how long the run was, where the recipe does not say so.

    Raises:
        Problem: no such recipe is known, or a value in it means nothing.
    """
    plugins.load()
    tree = read_old(path)
    account = Account()
    tool = next((tool for tool, (fits, _) in READERS.items() if fits(tree)), None)
    if tool is None:
        raise Problem(
            "no recipe of SparseML, llm-compressor, nn_pruning or NNCF",
            where=str(path),
            hint="they have `..._modifiers`, `..._pruning_method` or `compression`",
        )
    made = READERS[tool][1](tree, length, account).tree()
    try:
        recipe = Recipe.model_validate(made)
    except ValidationError as error:
        what = f"it makes no valid recipe: {first_mistake(error)}"
        raise Problem(what, where=str(path)) from None
    rows = account.sorted()
    return Imported(path, tool, rows, recipe, _text(path, tool, rows, recipe))


def _text(path: Path, tool: str, rows: list[Row], recipe: Recipe) -> str:
    told = [f"#   {row.fate}: {row.old}: {row.why}" for row in rows if row.fate in ("near", "lost")]
    said = ["# What is not the same:", *told] if told else []
    return "\n".join([f"# Imported from {path.name}, a recipe of {tool}.", *said, to_yaml(recipe)])
