"""What a recipe would do, before it does it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.report import Cost, PlanReport
from sparsify.view.capture import self_test_line
from sparsify.view.passes import passes_view
from sparsify.view.tables import table
from sparsify.view.words import label_and_figure, percent

LABELS = {
    "zeros": "zeros in weights",
    "dense_macs": "multiply-adds, all",
    "macs": "multiply-adds, zeros skipped",
    "size_bytes": "size, stored dense",
}
"""Figure of a cost -> its name in a table."""


def plan_view(plan: PlanReport) -> RenderableType:
    """What each pass would do and leave alone, what training would owe, the cost around it."""
    heading = Text(plan.recipe, "bold").append(f" on {plan.model}, a plan", "not bold dim")
    parts: list[RenderableType] = [heading]
    if plan.self_test is not None:
        parts.append(self_test_line(plan.self_test))
    parts.append(passes_view(plan.passes))
    parts += [Text(f"training: {sentence}") for sentence in plan.training]
    parts.append(cost_table(plan.before, plan.after))
    return Group(*parts)


def cost_table(before: Cost, after: Cost) -> Table:
    """One row a figure: what the model costs before, and with every pass at its end."""
    title = f"one forward pass, batch {before.batch}, sequence {before.sequence}"
    right = ("before", "after", "of before")
    made = table("cost", *right, right=right, title=title)
    ends = after.model_dump(exclude={"batch", "sequence"})
    for name, value in before.model_dump(include=set(ends)).items():
        label, was = label_and_figure(name, value)
        share = percent(ends[name] / value) if value else ""
        made.add_row(LABELS.get(name, label), was, label_and_figure(name, ends[name])[1], share)
    return made
