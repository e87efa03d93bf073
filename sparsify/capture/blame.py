"""Whose fault it was: the submodule and the line of the model behind an exception."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

from torch import nn

from sparsify.errors import Problem, nearest

FAILURES = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
)
"""What a model may raise that is called with something it does not take, or is traced."""
INSIDE = ("torch", "sympy", "sparsify", "contextlib", "functools")
"""Packages whose lines are not the model's."""


def first_line(error: BaseException) -> str:
    """What an exception says, without its reports of many lines."""
    text = str(error).strip().partition("\n")[0].strip()
    return text.rstrip(".:;") or type(error).__name__


def blame(error: BaseException, model: nn.Module) -> str:
    """`encoder.layer.0, modeling_bert.py:123`: the innermost submodule and line, where known."""
    names = {id(part): name for name, part in model.named_modules()}
    owner, line = "", ""
    for frame, number in _frames(error):
        if (name := names.get(id(frame.f_locals.get("self")))) is not None:
            owner = name
        if frame.f_globals.get("__name__", "").partition(".")[0] not in INSIDE:
            line = f"{Path(frame.f_code.co_filename).name}:{number}"
    return ", ".join(part for part in (owner or type(model).__name__, line) if part)


def check_names(model: nn.Module, given: Iterable[str], *, where: str = "") -> None:
    """See that forward can be called with inputs of these names, and no fewer.

    Raises:
        Problem: it takes no input of such a name, or needs one more.
    """
    given = list(given)
    parameters = inspect.signature(model.forward).parameters
    # beside named inputs, `**kwargs` hands settings on
    named = [p for p in parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    for name in given:
        if named and name not in parameters:
            raise Problem(
                f"{type(model).__name__} takes no input {name!r}",
                where=where,
                hint=nearest(name, [parameter.name for parameter in named]),
            )
    for parameter in named:
        if parameter.default is parameter.empty and parameter.name not in given:
            raise Problem(f"{type(model).__name__} needs the input {parameter.name!r}", where=where)


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The frames behind an exception and those that caused it, from the outside to the inside."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        trace = current.__traceback__
        while trace is not None:
            yield trace.tb_frame, trace.tb_lineno
            trace = trace.tb_next
        current = current.__cause__ or current.__context__
