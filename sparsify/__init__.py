"""A sparsity compiler for transformers: capture, prune, train, export to ONNX and prove it."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "CheckFailed": "errors",
    "Problem": "errors",
    "Violation": "errors",
    "Pass": "pipeline",
    "Program": "program",
    "Recipe": "recipe",
    "Report": "pipeline",
    "RunReport": "report",
    "Watch": "watch",
    "apply": "pipeline",
    "load": "saving",
    "save": "saving",
    "to_text": "text",
}
"""Public name -> the file that holds it; imported when first asked for, so that the command line
starts without torch. No name here is also a file's: `sparsify.capture` stays the module."""

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604  every item is a string


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"sparsify.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
