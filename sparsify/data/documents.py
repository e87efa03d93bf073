"""Running text: plain text files, and the texts of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sparsify.data import files
from sparsify.data.table import Table, choose_text, texts
from sparsify.data.text import Documents
from sparsify.errors import Problem

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")


def read(path: str, text: Sequence[str]) -> Documents:
    """The text of a file.

    Of a table every row is a document, in the column `text` or the only one that holds text. Every
    other file is one document of plain text, a row for each line.

    Raises:
        Problem: the file is missing or broken, or it is not clear which column is the text.
    """
    if Path(path.removesuffix(".gz")).suffix in TABLES:
        return from_table(files.read(path), text)
    return Documents(files.text_of(path).splitlines(keepends=True), apart=False)


def from_table(table: Table, text: Sequence[str]) -> Documents:
    """Every row as a document.

    Raises:
        Problem: more than one column could be the text, or a cell is no string.
    """
    columns = list(text) or choose_text(table, label="")
    if len(columns) > 1:
        raise Problem(
            f"the columns {' and '.join(columns)} hold text, and a language model reads one",
            where=table.source,
            hint="name one of them in data.text",
        )
    return Documents([each for (each,) in texts(table, columns)], apart=True)
