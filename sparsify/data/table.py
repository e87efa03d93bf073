"""Columns of cells as they stand in a file, and the choice of those that a task needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sparsify.errors import Problem, nearest


@dataclass(frozen=True)
class Table:
    """Cells by column name; every column is as long as the others."""

    source: str
    """The file or hub data set, as the user reads it."""
    columns: dict[str, list[Any]]
    lines: list[int] | None = None
    """Where each row stands in its file, counted from 1; None where rows have no lines."""
    column_in: Callable[[int, Sequence[str | int]], int] | None = None
    """Line, keys -> in which column of the line the value stands that the keys lead to."""

    words_have_lines: bool = False
    """Whether a row is a list whose first item stands in its line, and each other in the next."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def place(self, row: int, *keys: str | int) -> str:
        """Where a row, or what `keys` lead to in it, stands.

        `file:line`, with `:column` where it is known, or `source: row N` counted from 1.
        """
        if self.lines is not None:
            line = self.lines[row]
            column = f":{self.column_in(line, keys)}" if keys and self.column_in else ""
            return f"{self.source}:{line}{column}"
        return f"{self.source}: row {row + 1}"

    def column(self, name: str, *, key: str) -> list[Any]:
        """The cells of a column that the recipe names under `key`.

        Raises:
            Problem: there is none of that name.
        """
        if name in self.columns:
            return self.columns[name]
        names = ", ".join(self.columns)
        closest = nearest(name, self.columns)
        hint = f"{closest} " if closest.startswith("did you mean") else ""
        raise Problem(
            f"no column named {name!r}, which {key} asks for",
            where=self.source,
            hint=f"{hint}columns: {names}",
        )


def choose_text(table: Table, label: str) -> list[str]:
    """The columns of words: every cell is a string, not all are numbers, and it is no label.

    Raises:
        Problem: there is none, or there are more than two.
    """
    words = [name for name, cells in table.columns.items() if name != label and _words(cells)]
    if not words:
        raise Problem(
            "no column holds text",
            where=table.source,
            hint=f"columns: {', '.join(table.columns)}",
        )
    if len(words) > 2:
        raise Problem(
            f"the columns {', '.join(words)} hold text",
            where=table.source,
            hint="name one or two of them in data.text",
        )
    return words


def texts(table: Table, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The texts of every row.

    Raises:
        Problem: a column is missing, or a cell is no string.
    """
    columns = [table.column(name, key="data.text") for name in names]
    for name, cells in zip(names, columns, strict=True):
        for row, cell in enumerate(cells):
            if not isinstance(cell, str):
                found = "missing" if cell is None else f"{cell!r}"
                raise Problem(
                    f"the text in column {name!r} is {found}",
                    where=table.place(row),
                    hint="texts must be strings",
                )
    return list(zip(*columns, strict=True))


def number(cell: object) -> float | None:
    """The number that a cell holds or spells, or None."""
    if isinstance(cell, bool | int | float | str):
        try:
            return float(cell)
        except (ValueError, OverflowError):
            return None
    return None


def _words(cells: list[Any]) -> bool:
    return all(isinstance(cell, str) for cell in cells) and any(number(c) is None for c in cells)
