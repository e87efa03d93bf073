"""The verb `report`: a run as one page of HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsify.cli import screen
from sparsify.cli.destinations import require_writable


def report(
    target: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", show_default="report.html in RUN"),
    ] = None,
) -> None:
    """Write a run as one HTML page with plots: no network, no script, light and dark."""
    from sparsify.atomic import write_text
    from sparsify.history import History
    from sparsify.report import PAGE, RECIPE, REPORT, RunReport
    from sparsify.view.page import report_page

    folder = Path(target)
    path = output or folder / PAGE
    told = RunReport.load(folder / REPORT)
    require_writable(path, "--output")
    recipe = folder / RECIPE
    page = report_page(
        told,
        History.load(folder, told.history),
        recipe.read_text(encoding="utf-8") if recipe.is_file() else "",
    )
    write_text(path, page)
    screen.write(str(path))
