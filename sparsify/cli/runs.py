"""What `show` prints of runs, finished or not."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsify.cli import screen
from sparsify.errors import Problem, nearest

if TYPE_CHECKING:
    from rich.console import RenderableType


def shown(path: Path, weights: str | None, as_json: bool) -> bool:
    """Show the run in the folder `path`, or its report; False where there is none."""
    from sparsify.report import RECIPE, REPORT, WORK

    if path.name == REPORT or (path / REPORT).is_file():
        _run(path if path.name == REPORT else path / REPORT, weights, as_json)
    elif (path / WORK / RECIPE).is_file():
        _unfinished(path, weights, as_json)
    else:
        return False
    return True


def _run(path: Path, weights: str | None, as_json: bool) -> None:
    from sparsify.report import RunReport

    report = RunReport.load(path)
    chosen = {name: report.weights[name] for name in matching(report.weights, weights)}

    def view() -> RenderableType:
        from sparsify.history import History
        from sparsify.view.result import report_view
        from sparsify.view.weights import sparsity_table

        if weights is not None:
            return sparsity_table(chosen)
        history = History.load(path.parent, report.history)
        return report_view(report, history, path.parent, contents(path.parent))

    facts: Any = report.model_dump(mode="json")
    screen.answer(as_json, lambda: facts if weights is None else chosen, view)


def _unfinished(folder: Path, weights: str | None, as_json: bool) -> None:
    from sparsify.run.unfinished import unfinished

    run = unfinished(folder)
    assert run is not None
    zeros = {name: run.history.weights.last(name) or 0.0 for name in run.history.weights.values}
    chosen = {name: zeros[name] for name in matching(zeros, weights)} if weights else {}

    def view() -> RenderableType:
        from sparsify.view.unfinished import unfinished_view
        from sparsify.view.weights import sparsity_table

        return unfinished_view(run) if weights is None else sparsity_table(chosen)

    screen.answer(as_json, lambda: run.model_dump(mode="json") if weights is None else chosen, view)


def matching(names: Any, glob: str | None) -> list[str]:
    """The names that `glob` means; all of them where none is given."""
    chosen = [name for name in names if glob is None or fnmatchcase(name, glob)]
    if glob is not None and not chosen:
        raise Problem("matches no weight", where=f"--weights {glob}", hint=nearest(glob, names))
    return chosen


def contents(folder: Path) -> list[str]:
    """What lies in the folder of a result, hidden files left out."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
