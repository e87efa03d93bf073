"""A task made of what every installation has: which library does this docstring belong to?"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sparsify.data.prose import prose
from sparsify.data.text import Dataset, Split
from sparsify.errors import Problem

LIBRARIES = ("networkx", "pandas", "python", "sympy", "torch", "transformers")
"""The classes; `python` is the standard library."""
TRAIN_ROWS, VALIDATION_ROWS = 1800, 200
"""At most this many rows of each class."""
FILE_ROWS = 30
"""At most this many rows of one file, so that no file rules its class."""
HELD_OUT_FILES = 8
"""One file in this many is for validation."""
SLACK = 1.3
"""How many more rows are gathered than are kept: some turn out to be duplicates."""
FILE_BYTES = 100_000
"""Larger files are passed over: they take long to read and are mostly code."""
SKIPPED = {"test", "tests", "testing", "idlelib", "lib2to3", "site-packages", "dist-packages"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class _Rows:
    """The texts of one library, in reading order."""

    train: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        return (
            len(self.train) >= TRAIN_ROWS * SLACK
            and len(self.validation) >= VALIDATION_ROWS * SLACK
        )


def make() -> Dataset:
    """Docstrings of the installed libraries, their names removed, with the library as the label.

    Files are read, never imported. Train and validation share no file and no text; a text that
    stands in two libraries is dropped. The same installation gives the same rows in every process.

    Raises:
        Problem: one of the libraries is not installed.
    """
    found = {library: _gather(_folder(library)) for library in LIBRARIES}
    uses = Counter(text for rows in found.values() for text in {*rows.train, *rows.validation})
    train, validation = Split([], []), Split([], [])
    for label, rows in enumerate(found.values()):
        held_out = _distinct(rows.validation, uses, set())[:VALIDATION_ROWS]
        learned = _distinct(rows.train, uses, set(rows.validation))[:TRAIN_ROWS]
        for split, texts in ((train, learned), (validation, held_out)):
            split.texts.extend((text,) for text in texts)
            split.labels.extend([label] * len(texts))
    counts = Counter(train.labels)
    spread = ", ".join(f"{name} {counts[label]:,}" for label, name in enumerate(LIBRARIES))
    note = (
        f"docstrings of the installed libraries, train and validation from other files: {spread}."
    )
    return Dataset(train, validation, LIBRARIES, ("docstring",), [note])


def _distinct(texts: list[str], uses: Counter[str], elsewhere: set[str]) -> list[str]:
    """Each text once, without those of another library or of `elsewhere`."""
    return [text for text in dict.fromkeys(texts) if uses[text] == 1 and text not in elsewhere]


def _folder(library: str) -> Path:
    if library == "python":
        return Path(sysconfig.get_paths()["stdlib"])
    spec = importlib.util.find_spec(library)
    if spec is None or not spec.submodule_search_locations:
        raise Problem(
            f"made: docstrings needs {library}, which is not installed",
            where="data",
            hint="pip install 'sparsify-fx[demo]'",
        )
    return Path(spec.submodule_search_locations[0])


def _gather(folder: Path) -> _Rows:
    """The texts of the files of a package, files in the order of their hashed names."""
    rows = _Rows()
    for digest, file in sorted(_files(folder)):
        held_out = digest % HELD_OUT_FILES == 0
        into = rows.validation if held_out else rows.train
        if len(into) >= (VALIDATION_ROWS if held_out else TRAIN_ROWS) * SLACK:
            continue
        into.extend(list(dict.fromkeys(filter(None, map(prose, _docstrings(file)))))[:FILE_ROWS])
        if rows.enough:
            break
    return rows


def _files(folder: Path) -> Iterator[tuple[int, Path]]:
    for file in folder.rglob("*.py"):
        inside = file.relative_to(folder)
        if SKIPPED.isdisjoint(inside.parts) and file.stat().st_size <= FILE_BYTES:
            yield int.from_bytes(hashlib.sha256(inside.as_posix().encode()).digest()[:8]), file


def _docstrings(file: Path) -> Iterator[str]:
    """The docstrings of a file; none where it is no Python of this version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            return
    waiting: list[ast.AST] = [tree]
    for node in waiting:
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node, clean=False)):
            yield text
        for block in ("body", "orelse", "finalbody", "handlers"):
            waiting.extend(getattr(node, block, ()))
