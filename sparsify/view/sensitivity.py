"""How far outputs move when one weight after another is made sparse: a chart and a table."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.run.sensing.facts import Sensitivity
from sparsify.view.charts import Chart
from sparsify.view.lines import Line
from sparsify.view.tables import Fitted
from sparsify.view.tails import Tail
from sparsify.view.words import metric, percent, plural, seconds

STYLES = ("cyan", "magenta", "yellow", "green", "blue", "red")
THOUSANDTHS = 1000
WORTH_SEEING = 0.05
"""Figures below this share of the largest are dim."""


def sensitivity_view(found: Sensitivity) -> RenderableType:
    """The table of each weight, the chart of each role, and what was made of it: the table may be
    longer than the screen, and what is read first stays in sight below it.
    """
    shares = [100 * each for each in found.sparsities]
    lines = [
        Line(group.role, shares, [THOUSANDTHS * each for each in group.divergences], style)
        for group, style in zip(found.groups, STYLES * len(found.groups), strict=False)
    ]
    title = "how far outputs move when one weight alone is sparse, mean by role, in thousandths"
    chart = Chart(title, lines, axis="% zero")
    loss = [] if found.loss is None else [Text(f"loss: at {percent(found.sparsities[-1], 0)}")]
    return Group(
        Fitted(_filled, found), *loss, Text(), Text(_head(found)), Text(), chart, *_end(found)
    )


def _head(found: Sensitivity) -> str:
    told = (
        f"{found.model}: {plural(len(found.curves), 'curve')} by {found.criterion}, pattern "
        f"{found.pattern}, on {plural(found.rows, 'row')}, in {seconds(found.seconds)}"
    )
    if found.loss is not None:
        told += f"; dense: loss {metric(found.loss)}"
    if found.accuracy is not None:
        told += f", accuracy {metric(found.accuracy)}"
    return told


def _filled(made: Table, found: Sensitivity, width: int) -> None:
    most = max((each.points[-1].divergence for each in found.curves), default=0.0)
    made.add_column("weight", no_wrap=True)
    for share in found.sparsities:
        made.add_column(percent(share, 0), justify="right", no_wrap=True)
    made.add_column("loss" if found.loss is not None else "", justify="right", no_wrap=True)
    if found.sparsity is not None:
        made.add_column("budget", justify="right", no_wrap=True, style="bold")
    for curve in found.curves:
        last = curve.points[-1]
        cells = [
            Text(figure(each.divergence), "dim" if each.divergence < WORTH_SEEING * most else "")
            for each in curve.points
        ]
        made.add_row(
            Tail(curve.name.removesuffix(".weight")),
            *cells,
            "" if last.loss is None else metric(last.loss),
            *([] if curve.budget is None else [percent(curve.budget)]),
        )


def figure(divergence: float) -> str:
    """Two digits, in thousandths: `0.0038` is `3.8`."""
    thousandths = THOUSANDTHS * divergence
    if thousandths >= 10:
        return f"{thousandths:,.0f}"
    return f"{thousandths:.1f}" if thousandths >= 0.095 else f"{thousandths:.2f}"


def _end(found: Sensitivity) -> list[RenderableType]:
    if found.sparsity is None:
        return []
    shares = ", ".join(
        f"{group.role} {percent(group.budget)}"
        for group in found.groups
        if group.budget is not None
    )
    told: list[RenderableType] = [
        Text(),
        Text(f"{percent(found.sparsity)} of all weights: {shares}"),
    ]
    if found.recipe:
        told.append(Text(f"{found.recipe} has these budgets: sparsify run {found.recipe}"))
    return told
