"""Two names from the command line -> what they are, and the comparison that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparsify import schema
from sparsify.compare.changes import Comparison
from sparsify.compare.models import compare_models
from sparsify.compare.onnx_files import compare_onnx
from sparsify.compare.programs import compare_programs
from sparsify.compare.recipes import compare_recipes
from sparsify.compare.runs import compare_runs
from sparsify.errors import Problem
from sparsify.report import REPORT
from sparsify.schema.find import SUFFIXES
from sparsify.watch import Watch

KINDS = {
    "model": "a model",
    "program": "a program between passes",
    "recipe": "a recipe",
    "run": "a run",
    "onnx": "an ONNX file",
}


@dataclass(frozen=True)
class Asked:
    """What a comparison of recipes or programs may need beside two names."""

    overrides: Sequence[str] = ()
    """As for `schema.read`."""
    plugin_files: Sequence[Path] = ()
    watch: Watch = field(default_factory=Watch)


def compare(old: str, new: str, asked: Asked | None = None) -> Comparison:
    """What differs from `old` to `new`: two models, programs, recipes, runs or ONNX files.

    A program is `RECIPE@PASS`, of which `@PASS` alone means the same recipe; a run beside a model
    is taken as the model in its folder.

    Raises:
        Problem: there is no such thing, or the two are of different kinds.
    """
    asked = asked or Asked()
    if new.startswith("@") and "@" in old:
        new = old.rpartition("@")[0] + new
    kinds = {kind_of(old), kind_of(new)}
    if kinds == {"run", "model"}:
        kinds = {"model"}
    if len(kinds) > 1:
        first, second = KINDS[kind_of(old)], KINDS[kind_of(new)]
        what = f"{old} is {first}, and {new} is {second}"
        raise Problem(what, where="diff", hint="name two of a kind")
    match kinds.pop():
        case "program":
            return compare_programs(old, new, asked.overrides, asked.plugin_files, asked.watch)
        case "recipe":
            sides = [
                schema.read(each, asked.overrides, plugin_files=asked.plugin_files)
                for each in (old, new)
            ]
            return compare_recipes(*sides, names=(old, new))
        case "run":
            return compare_runs(Path(old), Path(new))
        case "onnx":
            return compare_onnx(Path(old), Path(new))
        case _:
            asked.watch.phase("models")
            return compare_models(old, new)


def kind_of(name: str) -> str:
    """What `name` is: a key of `KINDS`, found by looking; all else is the name of a model."""
    path = Path(name)
    recipe = name.rpartition("@")[0]
    if (recipe and _is_recipe(recipe)) or name.startswith("@"):
        return "program"
    if path.suffix == ".onnx":
        return "onnx"
    if path.name == REPORT or (path / REPORT).is_file():
        return "run"
    return "recipe" if _is_recipe(name) else "model"


def _is_recipe(name: str) -> bool:
    path = Path(name)
    return path.suffix in SUFFIXES or (name in schema.builtin_recipes() and not path.is_dir())
