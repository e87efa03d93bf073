"""`python -m benchmarks methods`: run what is missing, list it, write the page and the plots."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
import yaml

from benchmarks import results
from benchmarks.methods.budgets import BUDGETS
from benchmarks.methods.contenders import named
from benchmarks.methods.grid import Cell, cells, folder_of, portable
from benchmarks.methods.outcome import Outcome, read
from benchmarks.methods.tasks import TASKS
from sparsify.errors import Problem, unknown

FOLDER = results.FOLDER / "methods"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def methods(
    task: Annotated[str, typer.Option(help="sst2, mrpc or qnli.")] = "sst2",
    budget: Annotated[str, typer.Option(help="quick (a processor) or full (a GPU).")] = "quick",
    seeds: Annotated[int, typer.Option(min=1, help="How many: 0, 1, ...")] = 3,
    methods: Annotated[
        str,
        typer.Option(help="Names, with commas, or ablation, rate, sweep; left out: all but those."),
    ] = "",
    sparsities: Annotated[str, typer.Option(help="Such as 0.9,0.97; left out: the usual.")] = "",
    data: Annotated[
        Path, typer.Option(envvar="SPARSIFY_TASKS", help="The folder of the tasks' files.")
    ] = Path("data"),
    work: Annotated[Path, typer.Option(help="Where runs work and are resumed.")] = Path(
        "out/methods"
    ),
    listed: Annotated[
        bool, typer.Option("--list", help="What is done and missing; run nothing.")
    ] = False,
    page: Annotated[bool, typer.Option("--page", help="Only write the page and plots.")] = False,
    again: Annotated[bool, typer.Option(help="Run what is done once more.")] = False,
    keep: Annotated[
        bool, typer.Option(help="Leave the models in the folder of the work, for `choose`.")
    ] = False,
) -> None:
    """Accuracy against sparsity: train every method within the same budget, and compare them."""
    if page:
        write_page()
        return
    asked = _cells(task, budget, seeds, methods, sparsities)
    folder = folder_of(FOLDER, asked[0])
    states = [State.of(cell, {each.name: each for each in read(folder)}) for cell in asked]
    if listed:
        for line in listing(states):
            typer.echo(line)
        return
    for state in states:
        if again or state.done is None:
            run_one(state.cell, folder, data.absolute(), work.absolute(), keep=keep)
    write_page()


@dataclass(frozen=True)
class State:
    """A run that is asked for, its result if it is done, and what it may cost."""

    cell: Cell
    done: Outcome | None
    expected_s: float | None
    """CPU seconds, by the runs of the same method, or else of any; None: no run is done."""

    @classmethod
    def of(cls, cell: Cell, known: dict[str, Outcome]) -> State:
        like = [each.cpu_s for each in known.values() if each.method == cell.method.name]
        some = like or [each.cpu_s for each in known.values()]
        return cls(cell, known.get(cell.name), median(some) if some else None)


def listing(states: list[State]) -> list[str]:
    """A line a run, and what is left in all."""
    lines = []
    for state in states:
        if state.done is not None:
            says = f"done  {state.done.score('held-out'):.4f} held out, {state.done.cpu_s:,.0f} s"
            if not _same(state.done.recipe, portable(state.cell)):
                says += ", with another recipe: run it --again"
        else:
            says = "missing" + (f"  about {_minutes(state)} min" if state.expected_s else "")
        lines.append(f"{state.cell.name:<36} {says}")
    left = [state for state in states if state.done is None]
    total = sum(_minutes(state) for state in left)
    lines.append(
        f"{len(states) - len(left)} of {len(states)} done"
        + (f", about {total / 60:.1f} hours of one core left" if total else "")
    )
    return lines


def _same(recipe: str, other: str) -> bool:
    """Whether two recipes say the same; comments do not count."""
    return bool(yaml.safe_load(recipe) == yaml.safe_load(other))


def _minutes(state: State) -> int:
    return round((state.expected_s or 0) / 60)


def _cells(task: str, budget: str, seeds: int, methods: str, sparsities: str) -> list[Cell]:
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    if budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    try:
        shares = [float(each) for each in sparsities.split(",") if each]
    except ValueError:
        raise Problem("expected numbers", where=f"--sparsities {sparsities}") from None
    names = [each for each in methods.split(",") if each]
    found = list(cells(TASKS[task], BUDGETS[budget], range(seeds), names, shares))
    if not found:
        known = ", ".join(f"{each:g}" for each in named(names)[0].sparsities)
        raise Problem("no method runs at these", where=f"--sparsities {sparsities}",
                      hint=f"{names[0]} does at {known}")  # fmt: skip
    return found


def run_one(cell: Cell, folder: Path, data: Path, work: Path, *, keep: bool) -> None:
    """Carry out one run, and keep its result in `folder`."""
    from rich.console import Console

    from benchmarks.methods.running import carry_out
    from sparsify.view.live import watching

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    typer.echo(f"{cell.set_name}: {cell.name}")
    command = (
        f"python -m benchmarks methods --task {cell.task.name} --budget {cell.budget.name} "
        f"--seeds {cell.seed + 1} --methods {cell.method.name} --sparsities {cell.sparsity:g}"
    )
    with watching(Console(highlight=False, file=sys.stdout), quiet=False) as watch:
        outcome = carry_out(cell, data, work, read(folder), watch, command, keep=keep)
    outcome.save(folder)
    scores = ", ".join(
        f"{outcome.score(rows):.4f} of {outcome.dense_score(rows):.4f} ({rows})"
        for rows in outcome.sparse
    )
    typer.echo(f"{cell.name}: {outcome.main} {scores}, {outcome.cpu_s:,.0f} CPU s")


def write_page() -> None:
    """Write docs/results.md and its plots from the results that are kept."""
    from benchmarks.methods.page import rewrite

    for path in rewrite(FOLDER, results.FOLDER.parent.parent / "docs"):
        typer.echo(f"wrote {path.name}")
