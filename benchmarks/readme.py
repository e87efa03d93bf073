"""The tables of the README and of the documentation, made from the results that are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import break_even, results, speed
from benchmarks.case import Case
from benchmarks.choose import table
from benchmarks.methods import page
from benchmarks.methods.outcome import read
from benchmarks.methods.summary import summary
from benchmarks.pages import between_markers, machine_words, markdown
from sparsify.errors import Problem
from sparsify.report import RunReport

GENERIC = {"", "model", "package:"}
"""Parts of a model's path that do not tell one from another."""


def rewritten(text: str, folder: Path) -> str:
    """`text` with every table between its markers made anew from the results in `folder`.

    Raises:
        Problem: a marker names no table, has no end, or there is no result for its table.
    """
    tables = {name: partial(make, folder) for name, make in TABLES.items()}
    return between_markers(text, tables, where="README.md")


def timings(name: str, folder: Path, *, in_turns: bool = True) -> str:
    """The cases of the latest result of a benchmark."""
    found = _kept(name, folder)
    cases = _cases(found)
    rows = [
        (
            f"`{case.case}`",
            case.says,
            f"{case.value:,.0f} {case.unit}",
            f"{case.baseline:,.0f} {case.unit}",
            f"{case.ratio:.2f}",
            case.goal or "",
        )
        for case in cases
    ]
    head = ("case", "what", "ours", "baseline", "ratio", "goal")
    how = f"{_how(found)}; medians of pairs in turns" if in_turns else _how(found)
    note = f"{how}. The ratio is {_ratio(cases)}.\n"
    return markdown(head, rows, numbers=4) + "\n" + note


def _ratio(cases: Sequence[Case]) -> str:
    goals = [case.goal for case in cases if case.goal]
    if goals and all(goal.startswith(">=") for goal in goals):
        return "baseline / ours"
    return "ours / baseline, and baseline / ours where the goal is `>=`"


def _kept(name: str, folder: Path) -> dict[str, Any]:
    found = results.latest(folder, name)
    if found is None:
        raise _missing(f"{name}-*.json", f"run `python -m benchmarks {name}`")
    return found


def _cases(found: dict[str, Any]) -> list[Case]:
    return [Case.read(line) for line in found["cases"]]


def _how(found: dict[str, Any]) -> str:
    """What was run, when, on what."""
    return (
        f"`{found['command']}`, {found['date']}, {machine_words(found['machine'])}, torch "
        f"{found['versions']['torch']}"
    )


def runs(folder: Path) -> str:
    """Whole runs on real data: what the sparse models keep of the dense ones."""
    paths = sorted(folder.glob("run-*.json"))
    if not paths:
        raise _missing("run-*.json", "copy the report.json of a run there as run-TASK.json")
    head = (
        "task", "model", "recipe", "metric", "dense", "sparse", "kept", "sparsity", "training",
        "machine",
    )  # fmt: skip
    rows = [_run(path.stem.removeprefix("run-"), RunReport.load(path)) for path in paths]
    note = "Dense and sparse: the metric in ONNX Runtime. Training: the sparse model alone.\n"
    return markdown(head, rows, numbers=0) + "\n" + note


def break_evens(folder: Path) -> str:
    """From which sparsity on layers are faster."""
    found = _kept("curves", folder)
    shown = [f"{sparsity:.0%}" for sparsity in break_even.SHOWN]
    head = ("zeros", "outputs x inputs", "tokens", "break-even", *shown)
    rows = break_even.rows(break_even.curves(_cases(found)))
    return markdown(head, rows, numbers=6) + "\n" + _how(found) + ".\n"


def shares(folder: Path) -> str:
    """Where the time goes, operator by operator."""
    found = _kept("operators", folder)
    named = [(*case.case.split(", ", 1), f"{case.ratio:.0%}") for case in _cases(found)]
    rows = [(model, f"`{operator}`", share) for operator, model, share in named]
    return markdown(("model", "operator", "share"), rows, numbers=1) + "\n" + _how(found) + ".\n"


def grid(folder: Path) -> str:
    """How often what `auto` chose is as fast as the better of dense and sparse."""
    found = _kept("lowering", folder)
    cases = _cases(found)
    held, worst = sum(bool(case.holds) for case in cases), min(cases, key=lambda case: case.ratio)
    return (
        f"{held} of {len(cases)} layers are at least 0.97 of the better of dense and sparse; the "
        f"slowest is {worst.ratio:.2f} ({worst.case}: outputs x inputs, tokens, zeros). "
        f"{_how(found)}.\n"
    )


def speeds(folder: Path) -> str:
    """How many times faster whole encoders are, on one thread."""
    runtime, int8 = _kept("runtime", folder), _kept("int8", folder)
    head = ("what is zero", "file", *(f"batch {batch}" for batch in speed.BATCHES))
    rows = speed.rows(_cases(runtime), _cases(int8))
    return f"{markdown(head, rows, numbers=3)}\n{_how(runtime)}; {_how(int8)}.\n"


def forms(task: str, folder: Path) -> str:
    """The forms of one classifier beside each other."""
    found = _kept(f"choose-{task}", folder)
    head, lines = table.HEAD, table.rows(found)
    return f"{markdown(head, lines, numbers=8)}\n{_how(found)}.\n"


def methods(name: str, folder: Path) -> str:
    """The methods side by side on one task, within one budget."""
    outcomes = read(folder / "methods" / name)
    if not outcomes:
        raise _missing(f"methods/{name}/*.json", "run `python -m benchmarks methods`")
    return page.table(page.parted(summary(outcomes))[0])


TABLES: dict[str, Callable[[Path], str]] = {
    "break-even": break_evens,
    "choose-sst2": partial(forms, "sst2"),
    "int8": partial(timings, "int8"),
    "loading": partial(timings, "loading"),
    "lowering": grid,
    "methods-sst2": partial(methods, "sst2-quick"),
    "oneshot": partial(timings, "oneshot", in_turns=False),
    "operators": shares,
    "peer": partial(timings, "peer"),
    "runs": runs,
    "runtime": partial(timings, "runtime"),
    "speed": speeds,
    "structure": partial(timings, "structure"),
    "training": partial(timings, "training"),
}
PAGES = (
    "README.md",
    "docs/choosing.md",
    "docs/methods.md",
    "docs/runtime.md",
    "docs/why-faster.md",
)
"""In which tables stand between markers."""


def _run(task: str, report: RunReport) -> tuple[str, ...]:
    if report.dense_onnx is None or report.sparse_onnx is None or report.pruned_sparsity is None:
        raise Problem(
            f"the report of {task!r} holds no scores in ONNX Runtime and no sparsity",
            hint="keep a run that has data and pruned something",
        )
    metric = report.dense_onnx.main
    dense, sparse = report.dense_onnx.values[metric], report.sparse_onnx.values[metric]
    seconds = sum(phase.seconds for phase in report.phases if phase.name == "train")
    return (
        task,
        _model(report.model),
        f"`{report.recipe}`",
        metric,
        f"{dense:.4f}",
        f"{sparse:.4f}",
        f"{sparse / dense:.1%}",
        f"{report.pruned_sparsity:.1%}",
        f"{seconds:,.0f} s",
        machine_words(report.machine),
    )


def _model(path: str) -> str:
    """What tells the model from others, without where it lay."""
    return next((part for part in reversed(path.split("/")) if part not in GENERIC), path)


def _missing(files: str, hint: str) -> Problem:
    return Problem(f"no {files}", where="benchmarks/results", hint=hint)
