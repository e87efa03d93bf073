"""Words with tags as a table: from files with a line for each word, and from lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sparsify.data import files
from sparsify.data.table import Table
from sparsify.errors import Problem

TABLES = (".jsonl", ".parquet")
WORDS = ("tokens", "words")
TAGS = ("tags", "ner_tags", "pos_tags", "labels")
"""What columns of words and of tags are called, in the order in which they are looked for."""
DOCUMENT = "-DOCSTART-"
"""The word of a line between documents, in CoNLL's files."""


def table_of(path: str) -> Table:
    """The sentences of a file as a table with the columns `tokens` and `tags`, or as it is.

    jsonl and parquet files have a row for each sentence. Every other file has a line for each word:
    the word first, its tag last, spaces or tabs between; empty lines part sentences.

    Raises:
        Problem: the file is missing or broken, or a line is no word with a tag.
    """
    if Path(path.removesuffix(".gz")).suffix in TABLES:
        return files.read(path)
    words: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    lines: list[int] = []
    for number, line in enumerate(files.text_of(path).split("\n"), start=1):
        cells = line.split()
        if not cells or cells[0] == DOCUMENT:
            if words[-1]:
                words.append([])
                tags.append([])
            continue
        if len(cells) < 2:
            what = f"{cells[0]!r} stands alone, where a word and its tag are expected"
            raise Problem(what, where=f"{path}:{number}:{line.index(cells[0]) + 1}")
        if not words[-1]:
            lines.append(number)
        words[-1].append(cells[0])
        tags[-1].append(cells[-1])
    if not words[-1]:
        words.pop()
        tags.pop()
    if not words:
        raise Problem("no sentences", where=path, hint="each line holds a word and its tag")
    return Table(path, {"tokens": words, "tags": tags}, lines, words_have_lines=True)


def named(table: Table, text: Sequence[str], label: str) -> tuple[str, str]:
    """The names of the columns of words and of tags.

    Raises:
        Problem: there are none.
    """
    words = text[0] if text else next((name for name in WORDS if name in table.columns), "tokens")
    tags = next((name for name in (label, *TAGS) if name in table.columns), label)
    table.column(words, key="data.text")
    table.column(tags, key="data.label")
    return words, tags
