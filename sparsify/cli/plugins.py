"""The verb `check-plugin`: a file with passes of the user's own, held to what ours are held to."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsify.cli import screen
from sparsify.cli.options import Json, Sets
from sparsify.errors import CheckFailed

if TYPE_CHECKING:
    from rich.console import RenderableType


def check_plugin(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file; it is run.")],
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Try the passes of FILE on tiny models, and check what every pass owes."""
    from sparsify.contract import check_file
    from sparsify.plugin_files import load_file

    found = check_file(file, sets or [])
    broken = sum(bool(each.fault) for checks in found.values() for each in checks)

    def facts() -> Any:
        return {name: [asdict(each) for each in checks] for name, checks in found.items()}

    def view() -> RenderableType:
        from sparsify.view.contract import contract_view

        return contract_view(str(load_file(file).path), found)

    screen.answer(as_json, facts, view)
    if broken:
        raise CheckFailed(f"{broken} {'checks do' if broken > 1 else 'check does'} not hold")
