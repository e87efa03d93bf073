"""The verb `diff`: what differs between two things of a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsify.cli import screen
from sparsify.cli.options import Json, ModelPath, Plugins, Quiet, Sets, overrides

if TYPE_CHECKING:
    from rich.console import RenderableType


def diff(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="A run, model, recipe, RECIPE@PASS or ONNX file.")
    ],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="Another of that kind; @PASS: the same recipe.")
    ],
    sets: Sets = None,
    model: ModelPath = None,
    plugin: Plugins = None,
    stat: Annotated[
        bool, typer.Option("--stat", help="One line for each thing that differs, and totals.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Every place of a program, also those that are alike.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what differs between two models, programs, recipes, runs or ONNX files.

    A program is RECIPE@PASS: `sparsify diff demo@clean @insert-masks` shows
    what the passes between the two did. RECIPE@start is the model as captured,
    RECIPE@prune:2 what the second `prune` left.
    The exit code is 0 whether or not anything differs.
    """
    from sparsify.compare import Asked, compare

    with screen.watching(quiet=quiet) as watch:
        found = compare(old, new, Asked(overrides(sets, model), plugin or (), watch))

    def view() -> RenderableType:
        from sparsify.view.diff import diff_view
        from sparsify.view.diff_stat import stat_view

        return stat_view(found) if stat else diff_view(found, full=full)

    screen.answer(as_json, lambda: found.model_dump(mode="json"), view)
