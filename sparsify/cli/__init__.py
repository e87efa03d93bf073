"""The command line: one thin function a verb, exit codes, and mistakes in one line."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings

import typer

import sparsify
from sparsify.cli import (
    diff,
    doctor,
    exports,
    files,
    imports,
    library,
    page,
    plugins,
    recipes,
    results,
    schemas,
    screen,
    sensing,
)
from sparsify.cli.examples import epilog
from sparsify.errors import CheckFailed, Problem

app = typer.Typer(
    name="sparsify",
    help="Capture a transformer, prune it by a recipe, export it to ONNX, and prove the result.",
    epilog="Exit codes: 0 done, 1 a check failed, 2 a mistake to correct, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for verb in (
    recipes.run,
    recipes.plan,
    results.show,
    diff.diff,
    page.report,
    files.export,
    files.bench,
    sensing.sense,
    library.passes,
    plugins.check_plugin,
    library.recipes,
    imports.import_recipe,
    schemas.schema,
    doctor.doctor,
):
    app.command(epilog=epilog(verb.__name__.replace("_", "-")))(exports.offered(verb))


def _version(wanted: bool) -> None:
    if wanted:
        screen.write(sparsify.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; what is no user's mistake surfaces with its traceback."""
    # idle threads that spin make two processes on the same cores several times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # progress is shown by view/live.py, and what libraries deprecate concerns their callers
    os.environ.setdefault("TQDM_DISABLE", "1")
    # imports and captures make a million objects that stay: looking for dead ones among them every
    # 700, as Python does by itself, was a tenth of a short command
    gc.set_threshold(50_000, 20, 20)
    # and looking once more when all ends, another second
    atexit.register(gc.freeze)
    if not sys.warnoptions:
        warnings.simplefilter("ignore", FutureWarning)
    try:
        app()
    except Problem as problem:
        screen.complain(f"error: {problem}")
        sys.exit(2)
    except CheckFailed as failed:
        screen.complain(f"check failed: {failed}")
        sys.exit(1)
    except KeyboardInterrupt:
        screen.complain("interrupted")
        sys.exit(recipes.INTERRUPTED)
