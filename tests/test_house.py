"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sparsify import kinds, schema
from sparsify.pipeline import Pass

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("sparsify/**/*.py"), *ROOT.glob("passes/**/*.py")])
EVERYTHING = sorted(
    [
        *SOURCES,
        *ROOT.glob("tests/**/*.py"),
        *ROOT.glob("benchmarks/**/*.py"),
        *ROOT.glob("docs/**/*.py"),
    ]
)
OURS = [cls for cls in Pass.known.values() if cls.__module__.startswith("passes.")]
CITED = [m.function for kind in (kinds.criterion, kinds.loss) for m in kind.members.values()]
PRINTERS = ("sparsify/view/", "sparsify/cli")
UNFINISHED = re.compile("TO" + "DO|FIX" + "ME")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prints(tree: ast.AST) -> Iterator[int]:
    """The lines on which a terminal is written to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("print", "pprint"):
                yield node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in (("sys", "stdout"), ("sys", "stderr")):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom | ast.Import):
            modules = [alias.name for alias in node.names]
            modules += [getattr(node, "module", None) or ""]
            if any(module.partition(".")[0] == "rich" for module in modules):
                yield node.lineno


def of_all(paths: list[Path], faults: Callable[[Path], Any]) -> dict[str, Any]:
    """The faults of each file that has some; a test for each file would cost more than its work."""
    return {name(path): found for path in paths if (found := faults(path))}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def long_functions(path: Path) -> dict[str, int]:
    return {
        node.name: length
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > 40
    }


def test_a_file_and_its_functions_fit_in_the_head() -> None:
    assert not of_all(SOURCES, lambda path: path.read_text().count("\n") > 200), "over 200 lines"
    assert not of_all(SOURCES, long_functions), "functions longer than 40 lines"


def test_a_file_says_what_it_is_for_in_one_sentence() -> None:
    def first(path: Path) -> str:
        return (ast.get_docstring(tree(path)) or "").partition("\n\n")[0]

    assert not of_all(SOURCES, lambda path: not first(path).endswith((".", ":", "?")))


def test_nothing_outside_view_and_cli_prints() -> None:
    others = [path for path in SOURCES if not name(path).startswith(PRINTERS)]
    assert not of_all(others, lambda path: list(prints(tree(path)))), "lines write to the terminal"


def test_nothing_is_left_for_later() -> None:
    assert not of_all(EVERYTHING, lambda path: UNFINISHED.findall(path.read_text()))


def test_imports_are_absolute() -> None:
    def relative(path: Path) -> list[int]:
        nodes = ast.walk(tree(path))
        return [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level]

    assert not of_all(EVERYTHING, relative)


def test_a_file_has_a_name_that_says_something() -> None:
    empty = {"utils", "util", "helpers", "common", "manager", "base", "misc"}
    assert not of_all(EVERYTHING, lambda path: path.stem in empty)


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.tag)
def test_a_pass_its_file_its_tag_and_its_test_share_a_name(cls: type[Pass]) -> None:
    stem = cls.tag.replace("-", "_")
    assert cls.__module__ == f"passes.{stem}"
    assert (ROOT / f"tests/passes/test_{stem}.py").exists(), f"no tests/passes/test_{stem}.py"


@pytest.mark.parametrize("function", CITED, ids=lambda function: function.__name__)
def test_a_method_names_its_source(function: object) -> None:
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|doi:10\.", function.__doc__ or "")


@pytest.mark.parametrize("recipe", sorted(schema.builtin_recipes()))
def test_every_recipe_compiles(recipe: str) -> None:
    assert schema.read(recipe).recipe.passes is not None


def test_there_are_passes_methods_and_recipes_to_check() -> None:
    assert OURS, "no pass is registered"
    assert CITED, "no criterion and no loss is registered"
    assert schema.builtin_recipes(), "no recipe is found"
