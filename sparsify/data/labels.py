"""Cells of the label column as class ids or numbers, the same way in every split."""

from __future__ import annotations

import math
from typing import Any

from sparsify.data.table import Table, number
from sparsify.errors import Problem, nearest


def targets(table: Table, column: str) -> list[float]:
    """The numbers of a regression.

    Raises:
        Problem: a cell is no finite number.
    """
    found = []
    for row, cell in enumerate(table.column(column, key="data.label")):
        value = number(cell)
        if value is None or not math.isfinite(value):
            raise Problem(
                f"label {_shown(cell)} is no number",
                where=table.place(row),
                hint="a regression needs numbers",
            )
        found.append(value)
    return found


def class_names(table: Table, column: str) -> tuple[str, ...]:
    """The classes of a training table by id: whole numbers 0 to n-1, or strings in sorted order.

    Raises:
        Problem: a label is missing, negative or a fraction, numbers have a gap, kinds are mixed,
            or there is only one class.
    """
    cells = [_cell(table, row, cell) for row, cell in enumerate(_column(table, column))]
    if all(isinstance(cell, int) for cell in cells):
        names = _counted(table, cells)
    elif all(number(cell) is not None for cell in cells):
        row = next(row for row, cell in enumerate(cells) if not isinstance(cell, int))
        raise Problem(
            f"label {_shown(cells[row])} is a number, but no whole one",
            where=table.place(row),
            hint="set data.regression to true, or label classes 0, 1, 2 ...",
        )
    else:
        names = tuple(sorted({str(cell) for cell in cells}))
    if len(names) < 2:
        raise Problem(
            f"every row has the label {_shown(cells[0])}",
            where=table.source,
            hint="there is nothing to tell apart",
        )
    return names


def classes(table: Table, column: str, names: tuple[str, ...]) -> list[int]:
    """The class id of every row.

    Raises:
        Problem: a label is missing, or is none of `names`.
    """
    ids = {name: place for place, name in enumerate(names)}
    found = []
    for row, cell in enumerate(_column(table, column)):
        name = str(_cell(table, row, cell))
        if name not in ids:
            raise Problem(
                f"label {_shown(cell)} is out of range; the training rows have {_range(names)}",
                where=table.place(row),
                hint=hint if (hint := nearest(name, ids)).startswith("did") else "",
            )
        found.append(ids[name])
    return found


def _column(table: Table, column: str) -> list[Any]:
    return table.column(column, key="data.label")


def _cell(table: Table, row: int, cell: object) -> int | str:
    """A label as a whole number where it spells one, else as a string."""
    if cell is None or cell == "":
        raise Problem(
            "the label is missing", where=table.place(row), hint="drop the row or label it"
        )
    if isinstance(cell, bool | int):
        return int(cell)
    if isinstance(cell, str):
        return int(cell) if cell.removeprefix("-").isdecimal() else cell
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else str(cell)
    raise Problem(
        f"label {_shown(cell)} is neither a whole number nor a string", where=table.place(row)
    )


def _counted(table: Table, cells: list[int | str]) -> tuple[str, ...]:
    found = sorted({int(cell) for cell in cells})
    if found[0] < 0:
        raise Problem(
            f"label {found[0]} is negative",
            where=table.place(cells.index(found[0])),
            hint="classes are counted from 0; -1 marks hidden labels in GLUE's test files",
        )
    if len(found) <= found[-1]:
        missing = next(place for place, value in enumerate(found) if place != value)
        raise Problem(
            f"there are labels up to {found[-1]}, but none is {missing}",
            where=table.source,
            hint="count classes 0, 1, 2 ... without a gap",
        )
    return tuple(map(str, found))


def _range(names: tuple[str, ...]) -> str:
    if all(name.isdecimal() for name in names):
        return f"0 to {len(names) - 1}"
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")


def _shown(cell: object) -> str:
    return str(cell) if number(cell) is not None else repr(cell)
