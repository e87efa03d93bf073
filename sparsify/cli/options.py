"""The arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsify.cli import completing

RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A built-in recipe's name, or a YAML file.",
        autocompletion=completing.recipe_names,
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set a value of the recipe, such as train.steps=100."
    ),
]
ModelPath = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A folder, hub name, package://NAME/FOLDER or package.module:factory.",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="A Python file with passes of your own; it is run.",
        show_default=False,
    ),
]
PushToHub = Annotated[
    str | None,
    typer.Option(
        "--push-to-hub",
        metavar="OWNER/NAME",
        help="Upload the result to this repository of the Hugging Face hub.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="DIR", help="Where results go.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and only JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def overrides(sets: list[str] | None, model: str | None) -> list[str]:
    """What `--set` and `--model` change, in the order in which it holds: `--model` last."""
    return [*(sets or []), *([f"model={model}"] if model is not None else [])]
