"""A plain nn.Module of the user's own, from a function `package.module:function`."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from sparsify.errors import Problem, nearest


def build(path: str, *, classes: int | None) -> nn.Module:
    """Call the function that `path` names; the current directory is importable.

    `classes` is handed over as `num_labels` where the function has such a parameter.

    Raises:
        Problem: the module or function is missing, wants other arguments, or returns no nn.Module.
    """
    with _current_directory_importable():
        function = _function(path)
        module = function(**_arguments(path, function, classes))
    if not isinstance(module, nn.Module):
        raise Problem(
            f"returned {_article(type(module).__name__)}, but a torch.nn.Module is needed",
            where=path,
        )
    return module


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    folder = os.getcwd()
    known = folder in sys.path or "" in sys.path
    if not known:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        if not known and folder in sys.path:
            sys.path.remove(folder)


def _function(path: str) -> Callable[..., Any]:
    place, _, name = path.partition(":")
    try:
        module = importlib.import_module(place)
    except ModuleNotFoundError as error:
        missing = error.name or place
        hint = "run where it can be imported" if place.startswith(missing) else "install it"
        raise Problem(f"no module named {missing!r}", where=path, hint=hint) from None
    except ImportError as error:
        raise Problem(f"{place} cannot be imported ({error})", where=path) from None
    function = getattr(module, name, None)
    if not callable(function):
        what = f"{name!r} cannot be called" if function is not None else f"no function {name!r}"
        known = [key for key, value in vars(module).items() if key[0] != "_" and callable(value)]
        raise Problem(f"{what} in {place}", where=path, hint=nearest(name, known))
    found: Callable[..., Any] = function
    return found


def _arguments(path: str, function: Callable[..., Any], classes: int | None) -> dict[str, int]:
    parameters = inspect.signature(function).parameters
    arguments = {}
    if "num_labels" in parameters and classes is not None:
        arguments["num_labels"] = classes
    for name, parameter in parameters.items():
        needed = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if needed and name not in arguments:
            hint = (
                "a recipe with data sets it"
                if name == "num_labels"
                else "give it a default; only num_labels is handed over"
            )
            raise Problem(f"its parameter {name!r} has no default", where=path, hint=hint)
    return arguments


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"
