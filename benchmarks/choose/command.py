"""`python -m benchmarks choose`: train what is missing, export every form, measure all in turns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import results
from benchmarks.choose.forms import FORMS
from benchmarks.choose.measured import measure
from benchmarks.methods.budgets import BUDGETS
from benchmarks.methods.command import FOLDER, run_one
from benchmarks.methods.grid import folder_of, run_of
from benchmarks.methods.tasks import TASKS
from sparsify.errors import unknown
from sparsify.report import REPORT

CHOOSE = "choose"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def choose(
    task: Annotated[str, typer.Option(help="sst2, mrpc or qnli.")] = "sst2",
    budget: Annotated[str, typer.Option(help="Of every run, as in `methods`.")] = "quick",
    seed: Annotated[int, typer.Option(help="Of every run.")] = 0,
    sequence: Annotated[int, typer.Option(min=1, help="Tokens of a text that is timed.")] = 128,
    data: Annotated[
        Path, typer.Option(envvar="SPARSIFY_TASKS", help="The folder of the tasks' files.")
    ] = Path("data"),
    work: Annotated[Path, typer.Option(help="Where `methods --keep` left its models.")] = Path(
        "out/methods"
    ),
) -> None:
    """Accuracy against latency and size: dense, 8 bits, unstructured, blocks and structured."""
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    if budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    data, work = data.absolute(), work.absolute()
    cells = {form: form.cell(TASKS[task], BUDGETS[budget], seed) for form in FORMS}
    for cell in {cell.name: cell for cell in cells.values()}.values():
        if not (run_of(work, cell) / REPORT).is_file():
            run_one(cell, folder_of(FOLDER, cell), data, work, keep=True)
    found = measure(cells, data, work, sequence)
    command = (
        f"python -m benchmarks {CHOOSE} --task {task} --budget {budget} --seed {seed} "
        f"--sequence {sequence}"
    )
    path = results.path_of(f"{CHOOSE}-{task}")
    results.keep(path, CHOOSE, command, found)
    typer.echo(f"wrote {path.name}; `python -m benchmarks readme` draws docs/choosing.png from it")
