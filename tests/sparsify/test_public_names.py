from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sparsify


@pytest.mark.parametrize("name", sparsify.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sparsify, name) is not None
    assert name in dir(sparsify)


@pytest.mark.parametrize("name", [each for each in sparsify.__all__ if each != "__version__"])
def test_every_public_name_says_what_it_is_and_what_it_takes(name: str) -> None:
    said: Any = getattr(sparsify, name)
    assert inspect.getdoc(said)
    if inspect.isclass(said):
        public = {key: each for key, each in vars(said).items() if not key.startswith("_")}
        functions = {key: each for key, each in public.items() if inspect.isfunction(each)}
        assert [key for key, each in functions.items() if not inspect.getdoc(each)] == []
    elif inspect.isfunction(said):
        says = inspect.getdoc(said) or ""
        taken = set(inspect.signature(said).parameters)
        assert {each for each in taken if not re.search(rf"\b{each}\b", says)} == set()
        if "raise Problem" in inspect.getsource(said):
            assert "Raises:" in says


def test_no_public_name_hides_a_module_and_capture_and_export_are_both() -> None:
    modules = {module.name for module in pkgutil.iter_modules(sparsify.__path__)}
    assert modules & set(sparsify.__all__) == {"capture", "export"}
    assert callable(sparsify.capture)
    assert sparsify.capture.capture.__doc__  # type: ignore[attr-defined]
    assert callable(sparsify.export)


def test_type_checkers_see_every_public_name() -> None:
    """The imports that only they read name what is imported when asked for."""
    tree = ast.parse(Path(sparsify.__file__).read_text())
    seen = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and "sparsify" in node.module
        for alias in node.names
    }
    homes = {name: f"sparsify.{home}" for name, home in sparsify._HOMES.items()}
    assert seen == homes | {"capture": "sparsify.capture"}


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, sparsify; print(*{'torch', 'transformers', 'pydantic'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not found.stdout.strip()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prunify'"):
        _ = sparsify.prunify
