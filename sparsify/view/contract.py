"""The checks of a plugin: a row a check, a column a model, and what is wrong in full below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from sparsify.view.tables import table

if TYPE_CHECKING:
    from sparsify.contract import Outcome


def contract_view(file: str, found: Mapping[str, Sequence[Outcome]]) -> RenderableType:
    """Every pass and method of `file` with its checks."""
    return Group(*(_checks(f"{name}, {file}", checks) for name, checks in found.items()))


def _checks(title: str, checks: Sequence[Outcome]) -> RenderableType:
    models = list(dict.fromkeys(each.model for each in checks if each.model))
    made = table("check", *(models or ["held"]), title=title)
    for check in dict.fromkeys(each.check for each in checks):
        by_model = {each.model: each for each in checks if each.check == check}
        alone = by_model.get("")
        cells = [_mark(alone or by_model.get(model)) for model in models or [""]]
        made.add_row(check, *cells)
    said = [_sentence(each) for each in checks if each.fault or each.left_out]
    return Group(made, *said, Text(""))


def _mark(outcome: Outcome | None) -> Text:
    if outcome is None:
        return Text("")
    if outcome.fault:
        return Text("FAILS", "bold red")
    return Text("refuses", "yellow") if outcome.left_out else Text("holds", "green")


def _sentence(outcome: Outcome) -> Text:
    place = f"{outcome.check}, {outcome.model}" if outcome.model else outcome.check
    style = "red" if outcome.fault else "yellow"
    return Text(f"{place}: ", style).append(outcome.fault or outcome.left_out, "not bold default")
