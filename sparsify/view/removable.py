"""What can be removed from a model as a whole, and what goes with it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.inspection.facts import Removable
from sparsify.view.tables import Fitted
from sparsify.view.tree import layer_of
from sparsify.view.words import plural, span

NOUNS = {"kv-group": "group of heads", "width": "hidden channel"}
"""Kind of a structure -> what one unit is called, where that is not the kind."""
AXES = ("rows", "columns")
SPEAKING = 6
"""A name of more letters than `dense` has needs not the name before it."""


def removable_table(structures: Sequence[Removable]) -> RenderableType:
    """One row for the structures that are alike: what goes with a unit, or why none can go."""
    if not structures:
        return Text("nothing can be removed as a whole")
    return Fitted(_filled, structures)


def _filled(made: Table, structures: Sequence[Removable], width: int) -> None:
    for name in ("removable", "in", "together"):
        made.add_column(name, overflow="fold", no_wrap=name == "removable")
    for group in sorted(_alike(structures), key=lambda group: bool(group[0].frozen)):
        stays = f"stay: {group[0].frozen}" if group[0].frozen else ""
        made.add_row(units_words(group), _where(group), Text(stays or _parts(group[0])))


def units_words(group: Sequence[Removable]) -> str:
    """`12 heads of 64`, `1024-3072 neurons`."""
    first = group[0]
    noun = NOUNS.get(first.kind, first.kind)
    low, high = (f(each.units for each in group) for f in (min, max))
    many = plural(high, noun).partition(" ")[2]
    each = f" of {first.channels}" if first.channels > 1 else ""
    return f"{span(f'{low:,}', f'{high:,}')} {many}{each}"


def _alike(structures: Sequence[Removable]) -> list[list[Removable]]:
    """Structures of one kind whose parts have the same names within their layers."""
    found: dict[object, list[Removable]] = {}
    for each in structures:
        key = (each.kind, each.channels, bool(each.frozen), _parts(each), _within(each.name))
        found.setdefault(key, []).append(each)
    return list(found.values())


def _where(group: Sequence[Removable]) -> str:
    """`12 x encoder.layer`, or the end of the name of the one place."""
    if len(group) == 1:
        *_, owner, own = ["", *group[0].name.removesuffix(".weight").split(".")]
        return own if len(own) > SPEAKING or not owner else f"{owner}.{own}"
    layer = layer_of(group[0].name).split(".")
    return f"{len(group)} x {'.'.join(layer[-3:-1])}" if len(layer) > 1 else f"{len(group)} places"


def _parts(structure: Removable) -> str:
    """`self.query, self.key rows; output.dense columns`: of matrices, biases go along."""
    matrices = [part for part in structure.parts if not part[0].endswith("bias")]
    names = [_within(parameter).removesuffix(".weight") for parameter, _ in matrices]
    columns = zip(*(name.split(".")[:-1] for name in names), strict=False)
    shared = sum(1 for _ in itertools.takewhile(lambda each: len(set(each)) == 1, columns))
    found: dict[str, dict[str, None]] = {}
    for name, (_, axis) in zip(names, matrices, strict=True):
        along = AXES[axis] if axis < len(AXES) else f"axis {axis}"
        found.setdefault(along, {})[".".join(name.split(".")[shared:])] = None
    return "; ".join(f"{', '.join(own)} {along}" for along, own in found.items())


def _within(name: str) -> str:
    """The name inside its layer."""
    return name.removeprefix(f"{layer_of(name)}.")
