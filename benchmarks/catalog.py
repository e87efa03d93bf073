"""The benchmarks there are: every file here that defines `cases`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.case import Case

ROOT = Path(__file__).parent


def benchmarks() -> dict[str, str]:
    """Name -> purpose, read from the files without importing them."""
    found = {}
    for path in sorted(ROOT.glob("*.py")):
        tree = ast.parse(path.read_text())
        if any(isinstance(node, ast.FunctionDef) and node.name == "cases" for node in tree.body):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def load(name: str) -> Callable[[bool], Iterator[Case]]:
    """The function `cases` of a benchmark."""
    cases: Callable[[bool], Iterator[Case]] = import_module(f"benchmarks.{name}").cases
    return cases
