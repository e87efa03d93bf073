"""The verb `sense`: how sparse each weight may be, by calibration alone."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsify.atomic import write_text
from sparsify.cli import screen
from sparsify.cli.destinations import require_writable
from sparsify.cli.options import Json, Quiet, Sets
from sparsify.errors import Problem

if TYPE_CHECKING:
    from rich.console import RenderableType

STEPS = "0.4,0.6,0.7,0.8,0.9,0.95"


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A fine-tuned model: a folder, hub name, package://NAME/FOLDER or a factory.",
    ),
]
Rows = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="Rows to calibrate on, as data.train takes."),
]
Count = Annotated[int | None, typer.Option("--rows", min=1, help="How many of them: 128.")]
Criterion = Annotated[str, typer.Option("--criterion", help="What chooses the zeros.")]
Pattern = Annotated[
    str, typer.Option("--pattern", help="What is zero together: element, head, neuron, layer...")
]
Tried = Annotated[
    str, typer.Option("--sparsities", metavar="LIST", help="What each weight is tried at.")
]
Sparsity = Annotated[
    float | None, typer.Option("--sparsity", help="Share it out: give each weight a budget.")
]
RecipeFile = Annotated[
    Path | None,
    typer.Option("--recipe", metavar="FILE", help="Write a recipe with these budgets."),
]


def sense(
    model: Model,
    data: Rows = None,
    rows: Count = None,
    criterion: Criterion = "magnitude",
    pattern: Pattern = "element",
    sparsities: Tried = STEPS,
    sparsity: Sparsity = None,
    recipe: RecipeFile = None,
    sets: Sets = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show how far outputs move when each weight of MODEL alone is sparse; share zeros out."""
    from sparsify import schema
    from sparsify.run import sensing

    tried = _tried(sparsities)
    _require_sparsity(sparsity, tried, recipe)
    prune = {"criterion": criterion, "pattern": pattern, "sparsity": tried[-1]}
    given: dict[str, Any] = {"model": model, "passes": ["clean", "insert-masks", {"prune": prune}]}
    text = {"train": data, "calibration_rows": rows}
    if chosen := {key: value for key, value in text.items() if value is not None}:
        given["data"] = chosen
    asked = schema.parse(given, sets or [])
    with screen.watching(quiet=quiet) as watch:
        found = sensing.sense(asked, sparsities=tried, watch=watch)
    if sparsity is not None:
        found = sensing.budgeted(found, sparsity)
    if recipe is not None:
        found = found.model_copy(update={"recipe": str(recipe)})
        command = shlex.join(["sparsify", *sys.argv[1:]])
        write_text(recipe, sensing.budget_recipe(asked, found, command))

    def view() -> RenderableType:
        from sparsify.view.sensitivity import sensitivity_view

        return sensitivity_view(found)

    screen.answer(as_json, lambda: found.model_dump(mode="json"), view)


def _require_sparsity(sparsity: float | None, tried: list[float], recipe: Path | None) -> None:
    """Raise a Problem before the minutes are spent, where no budgets could be made or kept."""
    if recipe is not None:
        require_writable(recipe, "--recipe")
        if sparsity is None:
            what = "is made for a sparsity, and none is given"
            raise Problem(what, where=f"--recipe {recipe}", hint="add --sparsity 0.8")
    if sparsity is not None and not 0 <= sparsity <= max(tried):
        what = f"must be between 0 and the largest of --sparsities, {max(tried):g}"
        raise Problem(what, where=f"--sparsity {sparsity:g}")


def _tried(said: str) -> list[float]:
    """The numbers of a list, ascending.

    Raises:
        Problem: one is no share above 0.
    """
    try:
        found = sorted({float(each) for each in said.split(",")})
    except ValueError:
        found = []
    if not found or not 0 < found[0] <= found[-1] <= 1:
        what = "must be numbers above 0 and up to 1"
        raise Problem(what, where=f"--sparsities {said}", hint=f"such as {STEPS}")
    return found
