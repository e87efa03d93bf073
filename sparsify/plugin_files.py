"""Passes and methods in a file of the user's own: loaded when the user names it, and only then."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType
from typing import Any

from sparsify import plugins
from sparsify.errors import Clash, Problem
from sparsify.kinds import KINDS, Member
from sparsify.pipeline import Pass

BUILT_IN = "built in"


@dataclass(frozen=True)
class Plugin:
    """What one file adds."""

    path: Path
    passes: tuple[type[Pass], ...] = ()
    methods: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    """Kind -> its new members: criteria, patterns, schedules, losses, lowerings."""


_loaded: dict[str, Plugin] = {}
"""Module -> the plugin that it is."""


def load_file(path: Path, *, where: str = "") -> Plugin:
    """Run a Python file, which registers its passes and methods; a file is run once a process.

    Args:
        path: the file.
        where: what named it, for the problem of a file that is not there.

    Raises:
        Problem: there is no such file, it fails, a name is taken, or it registers nothing.
    """
    plugins.load()
    name = _module_name(path)
    if name in _loaded:
        return _loaded[name]
    if not path.is_file():
        raise Problem(f"no plugin {str(path)!r}", where=where, hint="name a Python file")
    before = _registered()
    with _undone_on_failure():
        _run(path, name)
        added = [each for key, each in _registered().items() if key not in before]
        if not added:
            hint = "define a class that subclasses sparsify.Pass, or a function under @criterion"
            raise Problem("adds no pass and no method", where=str(path), hint=hint)
    passes = tuple(each for each in added if isinstance(each, type))
    methods = {
        kind.name: tuple(m for m in kind.members.values() if m in added)
        for kind in KINDS
        if any(member in added for member in kind.members.values())
    }
    _loaded[name] = Plugin(path, passes, methods)
    return _loaded[name]


def comes_from(module: str) -> str:
    """Where what is defined in `module` comes from: `built in`, a file, or a package."""
    if module in _loaded:
        return str(_loaded[module].path)
    top = module.partition(".")[0]
    return BUILT_IN if top == "passes" else (_distributions().get(top) or [top])[0]


@cache
def _distributions() -> dict[str, list[str]]:
    return {top: list(names) for top, names in packages_distributions().items()}


def _module_name(path: Path) -> str:
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    return f"sparsify_plugin_{path.stem}_{digest}"


def _registered() -> dict[tuple[str, str], type[Pass] | Member]:
    found: dict[tuple[str, str], type[Pass] | Member] = {
        ("pass", tag): cls for tag, cls in Pass.known.items()
    }
    for kind in KINDS:
        found |= {(kind.name, name): member for name, member in kind.members.items()}
    return found


@contextmanager
def _undone_on_failure() -> Iterator[None]:
    """Leave the registries as they were when what is inside fails."""
    kept = [(registry, dict(registry)) for registry in registries()]
    try:
        yield
    except BaseException:
        for registry, before in kept:
            registry.clear()
            registry.update(before)
        raise


def registries() -> list[dict[str, Any]]:
    """Where passes are known by their tag, and the members of each kind by their name."""
    return [Pass.known, *(kind.members for kind in KINDS)]


def _run(path: Path, name: str) -> None:
    """Import the file as the module `name`; what it raises is told with its line."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Problem("not a Python file", where=str(path), hint="name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _execute(module, path, spec.loader)
    except BaseException:
        del sys.modules[name]
        raise


def _execute(module: ModuleType, path: Path, loader: importlib.abc.Loader) -> None:
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        place = f"{error.filename or path}:{error.lineno}:{error.offset}"
        raise Problem(f"not Python: {error.msg}", where=_shown(place, path)) from None
    except Clash as clash:
        raise Problem(str(clash), where=_line(clash, path), hint="choose another name") from None
    except UnicodeDecodeError:
        raise Problem("not UTF-8 text", where=str(path), hint="is it Python?") from None
    except Problem:
        raise
    except Exception as error:  # the user's own code may fail in any way
        says = (str(error) or "no message").partition("\n")[0]
        what = f"cannot be loaded: {type(error).__name__}: {says}"
        raise Problem(what, where=_line(error, path)) from None


def _line(error: Exception, path: Path) -> str:
    """The deepest line of the file itself that led to `error`."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f"{path}:{own[-1]}" if own else str(path)


def _shown(place: str, path: Path) -> str:
    return place.replace(str(path.resolve()), str(path))
