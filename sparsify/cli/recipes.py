"""The verbs around a recipe: run it, plan it, list what it can be made of."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsify.cli import screen
from sparsify.cli.looking import After, StopAfter, asked, stopped
from sparsify.cli.options import (
    Json,
    ModelPath,
    Output,
    Plugins,
    PushToHub,
    Quiet,
    RecipeName,
    Sets,
    overrides,
)
from sparsify.cli.runs import contents
from sparsify.errors import CheckFailed, Problem

if TYPE_CHECKING:
    from sparsify.report import RunReport
    from sparsify.schema import Loaded

INTERRUPTED = 130


def run(
    recipe: RecipeName,
    sets: Sets = None,
    model: ModelPath = None,
    plugin: Plugins = None,
    output: Output = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run in its folder.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run left in the folder.")
    ] = False,
    after: After = "",
    stop_after: StopAfter = "",
    push_to_hub: PushToHub = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Do all that RECIPE says; results go to --output, or out/<recipe>."""
    from sparsify import schema
    from sparsify.run.pushing import push, require_pushable

    if push_to_hub is not None:
        if stop_after:
            what = "uploads a result, and --stop-after makes none"
            raise Problem(what, where="--push-to-hub", hint="leave one out")
        require_pushable(push_to_hub)
    loaded = schema.read(recipe, overrides(sets, model), plugin_files=plugin or ())
    look, texts = asked(loaded, after, stop_after, as_json=as_json)
    folder = output or Path("out") / loaded.name
    report = _run(loaded, folder, as_json, quiet, resume=resume, overwrite=overwrite, look=look)
    if stop_after:
        stopped(stop_after, folder, texts, as_json=as_json)
        return
    _finish(report, folder, as_json)
    if push_to_hub is not None:
        screen.complain(f"uploaded to {push(folder, push_to_hub)}")


def _run(loaded: Loaded, folder: Path, as_json: bool, quiet: bool, **options: Any) -> RunReport:
    """Run with progress shown, and say what to do where it is interrupted or fails a check."""
    from sparsify import run as runner

    started = time.time()
    try:
        with screen.watching(quiet=quiet) as watch:
            command = shlex.join(["sparsify", *sys.argv[1:]])
            return runner.run(loaded, folder, watch=watch, command=command, **options)
    except KeyboardInterrupt:
        from sparsify.run.unfinished import resume_command

        screen.complain(f"interrupted; to continue: {resume_command(sys.argv)}")
        raise typer.Exit(INTERRUPTED) from None
    except CheckFailed:
        _finish_failed(folder, started, as_json)
        raise


def _finish(report: RunReport, folder: Path, as_json: bool) -> None:
    from sparsify.view.result import result_view

    screen.answer(
        as_json,
        lambda: report.model_dump(mode="json"),
        lambda: result_view(report, folder, contents(folder)),
    )


def _finish_failed(folder: Path, started: float, as_json: bool) -> None:
    """Show the figures that failed a check: they are what the user wants to see now."""
    from sparsify.report import REPORT, RunReport

    if (kept := folder / REPORT).is_file() and kept.stat().st_mtime >= started:
        _finish(RunReport.load(kept), folder, as_json)


def plan(
    recipe: RecipeName,
    sets: Sets = None,
    model: ModelPath = None,
    plugin: Plugins = None,
    after: After = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what each pass of RECIPE would do, skip and cost, without training."""
    from sparsify import run as runner
    from sparsify import schema

    loaded = schema.read(recipe, overrides(sets, model), plugin_files=plugin or ())
    look, _ = asked(loaded, after, as_json=as_json)
    with screen.watching(quiet=quiet) as watch:
        planned = runner.plan(loaded, watch=watch, look=look)

    def view() -> Any:
        from sparsify.view.plan import plan_view

        return plan_view(planned)

    screen.answer(as_json, lambda: planned.model_dump(mode="json"), view)
