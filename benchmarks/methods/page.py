"""docs/results.md: the tables between its markers, and the plots beside it, from kept results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import results
from benchmarks.methods.budgets import BUDGETS
from benchmarks.methods.contenders import ALL, METHODS, VARIANTS
from benchmarks.methods.outcome import Outcome, read
from benchmarks.methods.plot import plot
from benchmarks.methods.summary import DEV, HELD_OUT, Line, Spread, summary
from benchmarks.pages import between_markers, machine_words, markdown
from sparsify.errors import Problem

PAGE = "results.md"
NAME = "methods"
HEAD = (
    "method", "sparsity", "zeros", "seeds", "held out", "to its base", "dev", "to its base",
    "of dense, held out", "CPU s", "wall s",
)  # fmt: skip
NUMBERS = len(HEAD) - 1


def rewrite(folder: Path, docs: Path) -> Iterator[Path]:
    """Make the page's tables and every plot anew; the files that were written.

    Args:
        folder: holds a folder of results for each task and budget.
        docs: the folder of the page.

    Raises:
        Problem: the page or its markers are missing.
    """
    page = docs / PAGE
    text = page.read_text() if page.is_file() else ""
    if f"<!-- table:{NAME} -->" not in text:
        raise Problem(f"no `<!-- table:{NAME} -->`", where=str(page), hint="write it there")
    sections = []
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        outcomes = read(each)
        if not outcomes:
            continue
        lines, variants = parted(summary(outcomes))
        picture = docs / "results" / f"{each.name}.png"
        picture.parent.mkdir(exist_ok=True)
        plot(lines, outcomes, picture)
        yield picture
        sections.append(section(lines, variants, outcomes, f"results/{picture.name}"))
    after = between_markers(text, {NAME: lambda: "\n".join(sections)}, where=str(page))
    if after != text:
        results.write(page, after)
        yield page


def parted(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Those of methods, and those of variants of them."""
    return (
        [line for line in lines if line.method in METHODS],
        [line for line in lines if line.method in VARIANTS],
    )


def section(
    lines: Sequence[Line], variants: Sequence[Line], outcomes: Sequence[Outcome], picture: str
) -> str:
    """The heading, plot, tables and conditions of one task and budget, in Markdown."""
    one = outcomes[0]
    changed = f"One thing changed:\n\n{table(variants, changes=True)}\n" if variants else ""
    return f"""### {one.task}, {one.budget}

![{one.main} against sparsity]({picture})

{table(lines)}
{changed}{_conditions(outcomes)}
"""


def table(lines: Sequence[Line], *, changes: bool = False) -> str:
    """A row for each method and sparsity, in Markdown; with what is changed of a base."""
    head: tuple[str, ...] = HEAD
    rows = [_row(line) for line in lines]
    if changes:
        head = ("variant", "changed", *HEAD[1:])
        rows = [
            [name, f"`{', '.join(ALL[line.method].changes)}`", *rest]
            for line, (name, *rest) in zip(lines, rows, strict=True)
        ]
    return markdown(head, rows, numbers=NUMBERS)


def _row(line: Line) -> list[str]:
    zeros = line.zeros()
    return [
        f"`{line.method}`",
        f"{line.sparsity:.0%}",
        "removed" if zeros is None else f"{zeros:.1%}",
        str(len(line.outcomes)),
        _score(line.score(HELD_OUT)),
        _gain(line.gain(HELD_OUT)),
        _score(line.score(DEV)),
        _gain(line.gain(DEV)),
        f"{line.kept(HELD_OUT):.1%}",
        f"{line.cpu_s():,.0f}",
        f"{line.wall_s():,.0f}",
    ]


def _score(spread: Spread) -> str:
    return f"{spread.mean:.4f}" + ("" if spread.deviation is None else f" ± {spread.deviation:.4f}")


def _gain(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread.mean:+.4f}" + ("" if spread.error is None else f" (s.e. {spread.error:.4f})")


def _conditions(outcomes: Sequence[Outcome]) -> str:
    """What all runs share, in sentences."""
    one = outcomes[0]
    dense = {rows: Spread.of([each.dense_score(rows) for each in outcomes]) for rows in one.dense}
    told = ", ".join(f"{spread.mean:.4f} ({rows})" for rows, spread in dense.items())
    steps = " or ".join(f"{count:,}" for count in sorted({each.steps for each in outcomes}))
    machines = sorted({machine_words(each.machine) for each in outcomes})
    versions = sorted({f"torch {each.versions['torch']}" for each in outcomes})
    return (
        f"Budget `{one.budget}`: {BUDGETS[one.budget].says}; {steps} steps. Dense: {told}. "
        f"Rows: {', '.join(f'{count:,} {rows}' for rows, count in one.rows.items())}. "
        f"± is the standard deviation over seeds, s.e. the standard error of the mean paired "
        f"difference. {'; '.join(machines)}; {', '.join(versions)}. "
        f"`python -m benchmarks methods --task {one.task} --budget {one.budget}`"
    )
