"""Local csv, tsv, jsonl and parquet files, plain or gzipped, as tables."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sparsify.data import json_places
from sparsify.data.table import Table
from sparsify.errors import Problem


def read(path: str) -> Table:
    """A file as a table; csv and tsv cells are strings, tsv files have no quoting.

    Raises:
        Problem: the file is missing, broken, of an unknown kind, or has no rows.
    """
    content = _content(path)
    suffix = Path(path.removesuffix(".gz")).suffix
    match suffix:
        case ".csv":
            table = _rows(path, _csv(path, _decode(path, content)))
        case ".tsv":
            table = _rows(path, _tsv(_decode(path, content)))
        case ".jsonl":
            table = _jsonl(path, _decode(path, content))
        case ".parquet":
            table = _parquet(path, content)
        case _:
            raise Problem(
                f"files that end in {suffix!r} are not read" if suffix else "no file suffix",
                where=path,
                hint="known: .csv, .tsv, .jsonl, .parquet, each also with .gz",
            )
    if not len(table):
        raise Problem("no rows", where=path, hint="it must hold texts and their labels")
    return table


def _content(path: str) -> bytes:
    file = Path(path).expanduser()
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise Problem("no such file", where=path) from None
    except IsADirectoryError:
        raise Problem("this is a folder", where=path, hint="name a file in it") from None
    except OSError as error:
        raise Problem(f"cannot be read ({error.strerror})", where=path) from None
    if path.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            raise Problem("broken gzip file", where=path, hint="copy it again") from None
    if not content.strip():
        raise Problem("the file is empty", where=path)
    return content


def text_of(path: str) -> str:
    """What stands in a text file, plain or gzipped.

    Raises:
        Problem: the file is missing, empty, broken or not UTF-8.
    """
    return _decode(path, _content(path))


def _decode(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Problem("not UTF-8", where=f"{path}:{line}", hint="save it as UTF-8") from None


def _csv(path: str, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for row in reader:
            yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise Problem(f"broken csv ({error})", where=f"{path}:{start}") from None


def _tsv(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        row = line.removesuffix("\r")
        yield number, row.split("\t") if row else []


def _rows(path: str, rows: Iterator[tuple[int, list[str]]]) -> Table:
    """A header row and the rows below it, all of the same width; blank lines are passed over."""
    _, header = next(rows)
    if twice := [name for name in header if header.count(name) > 1]:
        raise Problem(f"two columns are named {twice[0]!r}", where=f"{path}:1")
    kept: list[list[str]] = []
    lines = []
    for line, row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise Problem(
                f"{len(row)} cells, but the header has {len(header)}", where=f"{path}:{line}"
            )
        kept.append(row)
        lines.append(line)
    columns = {name: [row[place] for row in kept] for place, name in enumerate(header)}
    return Table(path, columns, lines)


def _jsonl(path: str, text: str) -> Table:
    kept: list[dict[str, Any]] = []
    lines = []
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except json.JSONDecodeError as error:
            where = f"{path}:{line}:{error.colno}"
            raise Problem(f"broken JSON ({error.msg})", where=where) from None
        if not isinstance(row, dict):
            raise Problem("no JSON object", where=f"{path}:{line}", hint='expected {"text": ...}')
        kept.append(row)
        lines.append(line)
    names = dict.fromkeys(name for row in kept for name in row)
    columns = {name: [row.get(name) for row in kept] for name in names}
    return Table(path, columns, lines, partial(_column_in, text))


def _column_in(text: str, line: int, keys: Sequence[str | int]) -> int:
    """In which column of a line of JSON the value begins that `keys` lead to."""
    return json_places.place(text.split("\n")[line - 1], keys)[1]


def _parquet(path: str, content: bytes) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        columns = parquet.read_table(io.BytesIO(content)).to_pydict()
    except (pyarrow.ArrowException, OSError):
        raise Problem("broken parquet file", where=path, hint="copy it again") from None
    return Table(path, columns)
