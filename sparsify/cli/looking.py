"""`--after` and `--stop-after`: the program between two passes, as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparsify.cli import completing, screen
from sparsify.errors import Problem

if TYPE_CHECKING:
    from sparsify.program import Program
    from sparsify.run.points import Look
    from sparsify.schema import Loaded

After = Annotated[
    str,
    typer.Option(
        "--after",
        metavar="PASS",
        help="Print the program after PASS (prune:2 for its second run), after `all`, or at the "
        "`start`.",
        show_default=False,
        autocompletion=completing.points,
    ),
]
StopAfter = Annotated[
    str,
    typer.Option(
        "--stop-after",
        metavar="PASS",
        help="End there: the program is printed and saved in --output, for show and diff.",
        show_default=False,
        autocompletion=completing.pass_names,
    ),
]


def asked(loaded: Loaded, after: str, stop: str = "", *, as_json: bool) -> tuple[Look, list[str]]:
    """What is to be printed, and a list that will hold the texts where JSON is wanted.

    Raises:
        Problem: a name means no pass or several, or both kinds of output are asked for.
    """
    from sparsify.run.points import look

    if after and as_json:
        raise Problem("prints text, and --json prints none", where="--after", hint="leave one out")
    texts: list[str] = []
    return look(loaded, after, stop, _printing(texts, as_json=as_json)), texts


def _printing(texts: list[str], *, as_json: bool) -> Callable[[str, Program], None]:
    def show(name: str, program: Program) -> None:
        from sparsify.text import to_text

        texts.append(to_text(program))
        if not as_json:
            screen.write(f"# {'at the' if name == 'start' else 'after'} {name}\n{texts[-1]}\n")

    return show


def stopped(stop: str, folder: Path, texts: list[str], *, as_json: bool) -> None:
    """Say where the program of a run lies that was to end early."""
    if as_json:
        facts = {"stopped_after": stop, "folder": str(folder), "program": texts[-1]}
        screen.write_json(facts)
    else:
        screen.complain(f"stopped after {stop}; the program is in {folder}")
