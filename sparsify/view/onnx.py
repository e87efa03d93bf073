"""What is in an ONNX file."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.export import OnnxSummary
from sparsify.inspection.facts import Weight
from sparsify.view.tables import table
from sparsify.view.weights import weights_table
from sparsify.view.words import number, percent, plural, size

MOST_OPERATORS = 12
"""Operators that are named; the rest is counted."""


def onnx_view(summary: OnnxSummary, names: Collection[str]) -> RenderableType:
    """Size, opset and zeros; inputs and outputs; operators; the weights among `names`."""
    count = sum(math.prod(weight.shape) for weight in summary.weights)
    heading = Text(
        f"{size(summary.size_bytes)}, opset {summary.opset}, "
        f"{plural(sum(summary.nodes.values()), 'node')}, "
        f"{number(count)} numbers in {plural(len(summary.weights), 'weight')}, "
        f"{percent(summary.sparsity)} of them zero"
    )
    chosen = [
        Weight(weight.name, weight.shape, "", weight.sparsity)
        for weight in summary.weights
        if weight.name in names
    ]
    return Group(heading, _ends(summary), _operators(summary.nodes), weights_table(chosen))


def _ends(summary: OnnxSummary) -> Table:
    made = table("input or output", "shape")
    for kind, ends in (("input", summary.inputs), ("output", summary.outputs)):
        for name, shape in ends.items():
            made.add_row(Text(f"{kind} {name}"), " x ".join(map(str, shape)))
    return made


def _operators(nodes: Mapping[str, int]) -> Text:
    shown = [f"{name} {count}" for name, count in list(nodes.items())[:MOST_OPERATORS]]
    rest = len(nodes) - len(shown)
    return Text(f"operators: {', '.join(shown)}{f' and {rest} more kinds' if rest else ''}")
