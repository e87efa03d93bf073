"""Which dimensions stayed symbolic, which did not, and what holds of the others."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import sympy
import torch
from torch import Tensor
from torch._guards import SLoc
from torch.export import ExportedProgram
from torch.fx.experimental.symbolic_shapes import ShapeEnv, uninteresting_files

from sparsify.capture import finite
from sparsify.origin import Condition

TORCH, SYMPY, OURS = (
    f"{Path(file).parent}{os.sep}" for file in (torch.__file__, sympy.__file__, __file__)
)
Dynamic = Mapping[str, Mapping[int, str]]
TRIED = (*range(2, 34), 48, 63, 64, 65, 100, 127, 128, 129, 256, 512, 1000, 1024, 4097)
"""Sizes at which a condition is tried: one that holds at all of them restricts nothing."""


def fixed_dimensions(
    exported: ExportedProgram, inputs: Mapping[str, Tensor], free: Dynamic
) -> dict[str, str]:
    """Name of a dimension that became a number -> the line that made it so, as far as known."""
    environment = _environment(exported)
    shapes = _shapes(exported)
    found: dict[str, str] = {}
    for name, dims in free.items():
        for place, label in dims.items():
            if name in shapes and _is_number(shapes[name][place]):
                symbol = _symbol(environment, name, place)
                found.setdefault(label, "")
                if symbol in environment.replacements_slocs:
                    found[label] = environment.replacements_slocs[symbol].maybe_user_loc or ""
    return found


def _is_number(size: Any) -> bool:
    """A size that was symbolic at first may keep its type when it is known to be a number."""
    return isinstance(size, int) or bool(size.node.expr.is_number)


def merged(
    exported: ExportedProgram, free: Dynamic, fixed: Iterable[str]
) -> dict[str, dict[int, str]]:
    """The dimensions that are symbolic; those that the model holds equal get the first's name."""
    shapes = _shapes(exported)
    first: dict[str, str] = {}
    found: dict[str, dict[int, str]] = {}
    for name, dims in free.items():
        found[name] = {}
        for place, label in dims.items():
            if label not in fixed and name in shapes:
                found[name][place] = first.setdefault(str(shapes[name][place]), label)
    return found


def conditions(exported: ExportedProgram, dynamic: Dynamic) -> tuple[Condition, ...]:
    """What the model's branches on sizes came out as, where that is not so for every size."""
    shapes = _shapes(exported)
    names: dict[Any, sympy.Symbol] = {}
    sizes: dict[str, int] = {}
    for name, dims in dynamic.items():
        for place, label in dims.items():
            symbol: Any = shapes[name][place]
            names[symbol.node.expr] = sympy.Symbol(label, integer=True, positive=True)
            sizes[label] = symbol.node.hint
    found: dict[str, Condition] = {}
    for guard in _environment(exported).guards:
        if guard.expr.free_symbols <= names.keys() and _is_the_models(guard.sloc):
            condition = Condition(guard.expr.subs(names), guard.sloc.maybe_user_loc or "")
            if _restricts(condition, sizes):
                found.setdefault(str(condition.expression), condition)
    return tuple(found.values())


def _restricts(condition: Condition, sizes: Mapping[str, int]) -> bool:
    """Whether it fails at some size that is not much smaller than the captured one."""
    labels = sorted(map(str, condition.expression.free_symbols))
    step = 1 if len(labels) == 1 else 5
    tried = [[size for size in TRIED[::step] if 2 * size >= sizes[label]] for label in labels]
    return not all(
        condition.holds(dict(zip(labels, each, strict=True))) for each in itertools.product(*tried)
    )


def _shapes(exported: ExportedProgram) -> dict[str, torch.Size]:
    """Input name -> its shape, symbolic."""
    wanted = set(exported.graph_signature.user_inputs)
    return {
        node.name: node.meta["val"].shape
        for node in exported.graph.find_nodes(op="placeholder")
        if node.name in wanted and isinstance(node.meta.get("val"), Tensor)
    }


def _environment(exported: ExportedProgram) -> ShapeEnv:
    for node in exported.graph.find_nodes(op="placeholder"):
        mode = getattr(node.meta.get("val"), "fake_mode", None)
        if mode is not None and mode.shape_env is not None:
            found: ShapeEnv = mode.shape_env
            return found
    return ShapeEnv()


def _symbol(environment: ShapeEnv, name: str, place: int) -> Any:
    return environment.source_to_var.get(f"L['{name}'].size()[{place}]")


@contextmanager
def lines_noted() -> Iterator[None]:
    """While tracing, note with every fact on sizes the line of the model that it is due to."""
    original = ShapeEnv._get_sloc

    def located(self: ShapeEnv, framework_loc: str | None = None) -> SLoc:
        place, line = _cause()
        return SLoc(framework_loc or place, line)

    ShapeEnv._get_sloc = located  # type: ignore[method-assign]
    try:
        yield
    finally:
        ShapeEnv._get_sloc = original  # type: ignore[method-assign]


def _cause() -> tuple[str, str]:
    """The file that looked at a size, and the line of the model behind it."""
    frame: FrameType | None = sys._getframe(2)
    place = ""
    while frame is not None:
        file = frame.f_code.co_filename
        if file == finite.__file__:  # stands around every call of the model
            frame = frame.f_back
            continue
        if not place and file not in uninteresting_files():
            place = file
        if not file.startswith((TORCH, SYMPY)):
            ours = file.startswith(OURS)
            return place, "" if ours else f"{Path(file).name}:{frame.f_lineno}"
        frame = frame.f_back
    return place, ""


def _is_the_models(place: SLoc) -> bool:
    """Whether a size was compared by the model, or by torch.nn for it; not inside an operator."""
    file = str(place.framework_loc)
    return not file.startswith((TORCH, SYMPY)) or file.startswith(f"{TORCH}nn{os.sep}")
