"""A model at a glance: its parts, what can be removed, where its zeros are, and the sums last."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.inspection.facts import ModelFacts, Weight
from sparsify.view.layers import layers_table
from sparsify.view.marks import Bar
from sparsify.view.removable import removable_table
from sparsify.view.tables import Fitted
from sparsify.view.tree import Row, rows
from sparsify.view.weights import shape_words
from sparsify.view.words import number, percent, short, size, span

WIDE = 100
"""From this many columns on a bar has room."""
WORTH_SAYING = 0.01
"""Below this share zeros are chance: a padding row, a number that rounds to zero."""


def model_view(model: ModelFacts) -> RenderableType:
    """The tree of the model's parts, what can be removed from it, its uneven layers, its sums."""
    parts: list[RenderableType] = [_heading(model), Fitted(_filled, model), ""]
    parts += [removable_table(model.removable), ""]
    if (layers := layers_table(model)) is not None:
        parts += [layers, ""]
    return Group(*parts, *_sums(model))


def zeros(weights: Sequence[Weight]) -> tuple[float, float, float] | None:
    """The lowest and the highest share of zeros, and that of all; None while all is dense.

    Vectors are left out: fresh biases are all zero, and nobody pruned them.
    """
    counted = [weight for weight in weights if weight.role != "vector" and weight.count]
    pruned = [each for each in counted if each.masked or each.sparsity >= WORTH_SAYING]
    if not pruned:
        return None
    shares = [weight.sparsity for weight in counted]
    total = sum(weight.count for weight in counted)
    return min(shares), max(shares), sum(w.count * w.sparsity for w in counted) / total


def _filled(made: Table, model: ModelFacts, width: int) -> None:
    sparse = zeros(model.weights) is not None
    bar = sparse and width >= WIDE
    made.add_column("part", overflow="fold")
    made.add_column("shape", justify="right", overflow="fold")
    made.add_column("role", overflow="fold")
    for name in ("params", "MACs", *(["zeros"] if sparse else [])):
        made.add_column(name, justify="right", no_wrap=True)
    if bar:
        made.add_column("")
    for line in rows(model.weights):
        made.add_row(*_cells(line, sparse, bar))


def _cells(line: Row, sparse: bool, bar: bool) -> list[RenderableType]:
    label = Text("  " * line.depth + line.label, "" if line.is_weight else "bold")
    macs = sum(weight.macs for weight in line.weights)
    cells: list[RenderableType] = [
        label,
        _shape(line.weights) if line.is_weight else "",
        Text(line.weights[0].role if line.is_weight else "", "dim"),
        short(sum(weight.count for weight in line.weights)),
        short(macs) if macs else "",
    ]
    found = zeros(line.weights)
    if sparse:
        low, high, whole = found or (0.0, 0.0, 0.0)
        ends = (low, high) if line.is_weight else (whole, whole)
        cells.append(Text(span(*(percent(each, 0) for each in ends)) if found else "", "cyan"))
    if bar:
        cells.append(Bar(found[2]) if found else "")
    return cells


def _shape(weights: Sequence[Weight]) -> str:
    """`768x3072`; `768x1024-3072` where layers differ."""
    sizes = zip(*(weight.shape for weight in weights), strict=True)
    return "x".join(span(str(min(each)), str(max(each))) for each in sizes) or shape_words(())


def _heading(model: ModelFacts) -> Text:
    return Text(model.model, "bold").append(f"  {model.architecture}", "not bold dim")


def _sums(model: ModelFacts) -> list[Text]:
    """What a user takes away: how big, how sparse, how much to compute."""
    count = sum(weight.count for weight in model.weights)
    lines = [Text(f"{number(count)} parameters, {size(model.size_bytes)} dense", "bold")]
    products = [weight for weight in model.weights if weight.macs]
    if not products:
        return lines
    dense = sum(weight.macs for weight in products) + model.attention_macs
    macs = f"{short(dense)} multiply-adds for 1 x {model.sequence} tokens"
    if (found := zeros(products)) is not None:
        lines[0].append(f"; {percent(found[2])} of product weights are zero", "cyan")
        needed = model.attention_macs + sum(each.macs * (1 - each.sparsity) for each in products)
        macs += f"; {short(needed)} ({percent(needed / dense)}) if zeros are skipped"
    return [*lines, Text(macs)]
