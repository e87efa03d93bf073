"""The weights of a model and how many of them are zero."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sparsify.inspection.facts import Weight
from sparsify.view.marks import Bar
from sparsify.view.tables import table
from sparsify.view.words import number, percent


def shape_words(shape: Sequence[int]) -> str:
    """`768x3072`; a scalar is `1`."""
    return "x".join(map(str, shape)) or "1"


def weights_table(weights: Sequence[Weight]) -> Table:
    """One row a weight, in graph order, and a row of the sums; roles where they are known."""
    right = ("shape", "parameters", "zeros")
    roles = ["role"] if any(weight.role for weight in weights) else []
    bars = [""] if any(weight.sparsity >= 0.01 for weight in weights) else []
    made = table("weight", *roles, "shape", "parameters", "zeros", *bars, right=right)
    # names are long: they need the room
    made.padding = (0, 1, 0, 0)
    for weight in weights:
        made.add_row(
            Text(weight.name),
            *([weight.role] if roles else []),
            shape_words(weight.shape),
            number(weight.count),
            percent(weight.sparsity),
            *(Bar(weight.sparsity) for _ in bars),
        )
    total = sum(weight.count for weight in weights)
    if total:
        zeros = sum(weight.count * weight.sparsity for weight in weights) / total
        made.add_section()
        sums = ("all", *[""] * len(roles), "", number(total), percent(zeros))
        made.add_row(*sums, *(Bar(zeros) for _ in bars), style="bold")
    return made


def sparsity_table(sparsities: dict[str, float]) -> Table:
    """One row a pruned weight of a report, which knows names and sparsities only."""
    made = table("pruned weight", "zeros", "", right=("zeros",))
    for name, share in sparsities.items():
        made.add_row(Text(name), percent(share), Bar(share))
    return made
