"""`python -m benchmarks NAME`: measure, print, keep, and say whether the goals hold."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks import catalog
from sparsify.errors import Problem, unknown

if TYPE_CHECKING:
    from benchmarks.case import Case

README, ZOO, METHODS, CHOOSE = "readme", "zoo", "methods", "choose"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def measure(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A benchmark; `readme` to rewrite the README's tables; `zoo` to try all models."
        ),
    ] = None,
    models: Annotated[
        list[str] | None, typer.Argument(help="For `zoo`: which models, by name or glob.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Tiny shapes in seconds; judges nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a case.")] = False,
    output: Annotated[Path | None, typer.Option(help="Where the result is kept.")] = None,
    save: Annotated[bool, typer.Option(help="Whether a full result is kept.")] = True,
) -> None:
    """Run one benchmark, or list them. Exit codes: 0 done, 1 a goal does not hold, 2 a mistake."""
    names = catalog.benchmarks()
    if name is None:
        for known, purpose in names.items():
            typer.echo(f"{known:<12} {purpose}")
        typer.echo(f"{METHODS:<12} Accuracy against sparsity; its options: {METHODS} --help")
        typer.echo(f"{CHOOSE:<12} Accuracy against latency and size; {CHOOSE} --help")
        return
    if name == README:
        rewrite_readme()
        return
    if name not in (*names, ZOO):
        raise unknown("benchmark", name, [*names, README, ZOO, METHODS, CHOOSE])
    if output is not None and not output.parent.is_dir():
        # said before the minutes are spent
        raise Problem("no such folder", where=str(output.parent), hint="make it first")
    if name == ZOO:
        from benchmarks.zoo.command import zoo

        if not zoo(models or [], output, save=save):
            raise typer.Exit(1)
        return
    found = list(shown(name, quick=quick, as_json=as_json or not sys.stdout.isatty()))
    # a quick result says nothing; it is kept only where it is asked for
    if output is not None or (save and not quick):
        from benchmarks import results

        results.save(output or results.path_of(name), name, found, quick=quick)
    if any(case.holds is False for case in found):
        raise typer.Exit(1)


def shown(name: str, *, quick: bool, as_json: bool) -> Iterator[Case]:
    """Every case as it is measured; printed one line each, or as a table when all are there."""
    measured = catalog.load(name)(quick)
    if as_json:
        for case in measured:
            typer.echo(json.dumps(asdict(case)))
            yield case
        return
    from rich.console import Console

    from benchmarks.tables import on_terminal

    console, found = Console(highlight=False), []
    with console.status("") as status:
        status.update(f"measuring {name}")
        for case in measured:
            found.append(case)
            status.update(f"{case.case} done, {case.ratio:.2f}; measuring {name}")
            yield case
    console.print(on_terminal(found))


def rewrite_readme() -> None:
    from benchmarks import readme, results

    for page in readme.PAGES:
        path = catalog.ROOT.parent / page
        before = path.read_text()
        after = readme.rewritten(before, results.FOLDER)
        if after != before:
            results.write(path, after)
        typer.echo(f"{page} {'was' if after == before else 'is now'} up to date")
    draw(catalog.ROOT.parent / "docs")


def draw(docs: Path) -> None:
    """The pictures of the results that are kept: break-even curves, and forms to choose from."""
    from benchmarks import break_even, results
    from benchmarks.case import Case
    from benchmarks.choose import table

    curves = results.latest(results.FOLDER, "curves")
    if curves is not None:
        cases = [Case.read(line) for line in curves["cases"]]
        break_even.plot(break_even.curves(cases), docs / "why-faster.png")
    forms = results.latest(results.FOLDER, "choose-sst2")
    if forms is not None:
        table.plot(forms, docs / "choosing.png")


def main() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if not sys.warnoptions:
        # what libraries deprecate concerns their callers
        warnings.simplefilter("ignore", FutureWarning)
    try:
        if sys.argv[1:2] == [METHODS]:
            from benchmarks.methods.command import app as methods

            methods(args=sys.argv[2:], prog_name="python -m benchmarks methods")
        if sys.argv[1:2] == [CHOOSE]:
            from benchmarks.choose.command import app as choose

            choose(args=sys.argv[2:], prog_name="python -m benchmarks choose")
        app(prog_name="python -m benchmarks")
    except Problem as problem:
        typer.echo(f"error: {problem}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
