"""Where recipes lie: by path, or built in and known by name."""

from __future__ import annotations

import os
from pathlib import Path

from sparsify.errors import Problem, nearest
from sparsify.shipped import builtin_recipes, recipe_folder

SUFFIXES = (".yaml", ".yml")


def find(name_or_path: str, folder: Path | None = None) -> Path:
    """The file of a recipe; a relative path starts at `folder` (left out: the working folder).

    Raises:
        Problem: there is no such file, or no built-in recipe of that name.
    """
    path = (folder or Path()) / name_or_path
    if path.is_file():
        return path
    known = builtin_recipes()
    is_name = path.suffix not in SUFFIXES and Path(name_or_path).name == name_or_path
    if is_name and name_or_path in known:
        return known[name_or_path]
    if path.is_dir():
        raise Problem("a folder, not a recipe", where=name_or_path, hint="name the file in it")
    if is_name:
        hint = nearest(name_or_path, known) or "`sparsify recipes` lists them"
        raise Problem(f"no recipe named {name_or_path!r}", hint=hint)
    beside = sorted(path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    hint = nearest(path.name, (each.name for each in beside))
    if path.stem in known:
        hint = f"did you mean the built-in recipe {path.stem!r}?"
    raise Problem("there is no such file", where=name_or_path, hint=hint)


def shown(path: Path) -> str:
    """How messages name a recipe's file: as it was given, a built-in one without its folder."""
    return path.name if path.parent == recipe_folder() else os.path.normpath(path)


def text_of(path: Path) -> str:
    """What stands in a recipe's file.

    Raises:
        Problem: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise Problem(what, where=shown(path)) from None
    except UnicodeDecodeError:
        raise Problem("not UTF-8 text", where=shown(path), hint="is it a recipe?") from None


def purpose(path: Path) -> str:
    """What a recipe is for: the comment in its first line, or nothing."""
    first = text_of(path).partition("\n")[0].strip()
    return first.removeprefix("#").strip() if first.startswith("#") else ""
