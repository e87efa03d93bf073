"""`python -m benchmarks zoo`: run it, show how it goes, keep the result and write the page."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks import catalog, results
from benchmarks.zoo.configs import ROWS
from benchmarks.zoo.outcome import Outcome
from benchmarks.zoo.page import page
from benchmarks.zoo.runner import run
from benchmarks.zoo.steps import STEPS
from sparsify.errors import unknown

MARKS = {"passed": "[green]✓[/]", "failed": "[bold red]✗[/]", "not reached": " "}


def zoo(patterns: Sequence[str], output: Path | None, *, save: bool) -> bool:
    """Take the models that `patterns` mean, or all, through every step.

    A result of all models is kept, and makes the page.

    Returns:
        Whether all steps of all of them passed.
    """
    rows = chosen(patterns)
    outcomes = list(_shown(rows))
    command = " ".join(["python -m benchmarks zoo", *(f'"{each}"' for each in patterns)])
    if output is not None or (save and not patterns):
        kept = output or results.path_of("zoo")
        found = {"outcomes": [asdict(outcome) for outcome in outcomes]}
        result = results.keep(kept, "zoo", command, found)
        if not patterns:
            results.write(catalog.ROOT.parent / "docs" / "zoo.md", page(result))
    return all(outcome.verdict == "passed" for outcome in outcomes)


def chosen(patterns: Sequence[str]) -> list[str]:
    """The names of the models that `patterns`, names or globs, mean; all, where there are none.

    Raises:
        Problem: a pattern means no model.
    """
    names = [row.name for row in ROWS]
    if not patterns:
        return names
    meant: set[str] = set()
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if not found:
            raise unknown("model of the zoo", pattern, names)
        meant.update(found)
    return [name for name in names if name in meant]


def _shown(rows: Sequence[str]) -> Iterator[Outcome]:
    """All outcomes; a line a model on the terminal, reasons below it."""
    console = Console(highlight=False)
    width = max(map(len, rows))
    found: defaultdict[str, list[Outcome]] = defaultdict(list)
    with console.status("") as status:
        status.update(f"{rows[0]}: {STEPS[0].name}")
        for outcome in run(rows):
            done = found[outcome.row]
            done.append(outcome)
            status.update(f"{len(found)} of {len(rows)}: {outcome.row}, {outcome.step} done")
            if len(done) == len(STEPS):
                marks = " ".join(MARKS[each.verdict] for each in done)
                seconds = sum(each.seconds for each in done)
                line = f"{outcome.row:<{width}}  {marks}  {seconds:5.1f} s"
                console.print(line, soft_wrap=True)
                for each in done:
                    if each.reason:
                        why = f"    {each.step}: {each.reason}"
                        console.print(why, style="red", markup=False, soft_wrap=True)
            yield outcome
