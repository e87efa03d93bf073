"""The verb `import-recipe`: the recipe of another tool as one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparsify.atomic import write_text
from sparsify.cli import screen
from sparsify.cli.destinations import require_writable
from sparsify.cli.options import Json
from sparsify.errors import CheckFailed, Problem

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sparsify.importing import Imported


def import_recipe(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A recipe in YAML, Markdown or JSON.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the new recipe goes."),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option("--epochs", min=0, help="The length of the old run, where OLD lacks it."),
    ] = None,
    steps_per_epoch: Annotated[
        int | None,
        typer.Option("--steps-per-epoch", min=1, help="Makes steps of what is said in epochs."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail (exit code 1) where a key is lost.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file of --output.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Turn a recipe of SparseML, llm-compressor, nn_pruning or NNCF into one of ours."""
    from sparsify.importing import Length
    from sparsify.importing import import_recipe as read

    if output is not None:
        require_writable(output, "--output")
        if output.exists() and not overwrite:
            raise Problem("is there already", where=str(output), hint="replace it with --overwrite")
    imported = read(old, Length(epochs or None, steps_per_epoch))
    if output is not None:
        write_text(output, imported.text)

    screen.answer(as_json, imported.facts, lambda: _view(imported, output))
    if strict and (lost := imported.count("lost")):
        raise CheckFailed(f"{lost} of the keys of {old} are lost")


def _view(imported: Imported, output: Path | None) -> RenderableType:
    """The account, then where the recipe is, or the recipe."""
    from rich.console import Group
    from rich.text import Text

    from sparsify.view.imported import imported_view

    ending = f"\nwritten to {output}" if output else f"\n{imported.text}"
    return Group(imported_view(imported), Text(ending, no_wrap=output is None))
