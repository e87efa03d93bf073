"""docs/zoo.md, made from a kept result: one row a model, one column a step, reasons below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.zoo.causes import CAUSES
from benchmarks.zoo.outcome import Outcome

PURPOSE = """\
# The zoo

Tiny models of random weights, one of every architecture and head below, through all that the
compiler does. Nothing in it knows their names.

- **capture**: the graph is traced from inputs made of the model's configuration, in train mode.
- **outputs**, **gradients**: the graph's equal the module's at three shapes it was not traced at.
- **train/eval**: so they do in train mode with the same seed, and again back in eval mode.
- **accounted**: every parameter of the model can be pruned, or is named with the reason why not.
- **mask**: half of every weight is zeroed by magnitude; zeros get a gradient of exactly zero.
- **structures**: half of the heads and neurons of every layer are zeroed by magnitude.
- **shrink**: without them, the outputs are the same to 1e-5, relative, at three other shapes.
- **export**: the smaller graph is written as ONNX.
- **ONNX Runtime**: it computes the same from the file at three other shapes, to 1e-4.
- **left**: how many heads (of keys, where they are shared) and neurons the smaller graph has.

"""
MARKS = {"passed": "✓", "not reached": ""}


def page(result: Mapping[str, Any]) -> str:
    """The page of a result of `python -m benchmarks zoo`."""
    outcomes = [Outcome(**each) for each in result["outcomes"]]
    steps = list(dict.fromkeys(each.step for each in outcomes))
    rows: dict[str, list[Outcome]] = {}
    for each in outcomes:
        rows.setdefault(each.row, []).append(each)
    notes: list[str] = []
    lines = [_line(["model", *steps, "left"]), _line(["---", *[":---:"] * len(steps), "---"])]
    for name, row in rows.items():
        left = " ".join(each.says for each in row if each.says)
        lines.append(_line([name, *(_cell(each, notes) for each in row), left]))
    whole = sum(all(each.verdict == "passed" for each in row) for row in rows.values())
    versions = result["versions"]
    about = (
        f"{whole} of {len(rows)} models pass every step. `{result['command']}`, {result['date']}, "
        f"torch {versions['torch']}, transformers {versions['transformers']}, onnxruntime "
        f"{versions['onnxruntime']}.\n\n"
    )
    return PURPOSE + about + "".join(lines) + "".join(f"\n{note}\n" for note in notes)


def _cell(outcome: Outcome, notes: list[str]) -> str:
    if outcome.verdict != "failed":
        return MARKS[outcome.verdict]
    cause = CAUSES.get((outcome.row, outcome.step), "")
    mark = f"[^{len(notes) + 1}]"
    says = outcome.reason.rstrip(".").replace("|", "\\|")
    notes.append(f"{mark}: {outcome.row}, {outcome.step}: {says}. {cause}".rstrip())
    return f"✗{mark}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
