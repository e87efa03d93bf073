"""A sparsity compiler for transformers: capture, prune, train, export to ONNX and prove it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparsify.capture import capture as capture
    from sparsify.errors import CheckFailed as CheckFailed
    from sparsify.errors import Problem as Problem
    from sparsify.errors import Violation as Violation
    from sparsify.interface import Inspection as Inspection
    from sparsify.interface import apply as apply
    from sparsify.interface import inspect as inspect
    from sparsify.interface import to_onnx as to_onnx
    from sparsify.pipeline import Pass as Pass
    from sparsify.pipeline import Report as Report
    from sparsify.program import Program as Program
    from sparsify.recipe import Recipe as Recipe
    from sparsify.report import RunReport as RunReport
    from sparsify.run.own import train as train
    from sparsify.saving import load as load
    from sparsify.saving import save as save
    from sparsify.schema.said import read as read
    from sparsify.text import to_text as to_text
    from sparsify.training.own_trainer import SparsifyTrainerMixin as SparsifyTrainerMixin
    from sparsify.watch import Watch as Watch

__version__ = "0.1.0"

_HOMES = {
    "CheckFailed": "errors",
    "Inspection": "interface",
    "Pass": "pipeline",
    "Problem": "errors",
    "Program": "program",
    "Recipe": "recipe",
    "Report": "pipeline",
    "RunReport": "report",
    "SparsifyTrainerMixin": "training.own_trainer",
    "Violation": "errors",
    "Watch": "watch",
    "apply": "interface",
    "inspect": "interface",
    "load": "saving",
    "read": "schema.said",
    "save": "saving",
    "to_onnx": "interface",
    "to_text": "text",
    "train": "run.own",
}
"""Public name -> the file that holds it; imported when first asked for, so that the command line
starts without torch."""

_CALLABLE = ("capture", "export")
"""Modules of these names, which can be called; `export` as `to_onnx`, whose name has types."""

__all__ = ["__version__", *_CALLABLE, *sorted(_HOMES)]  # noqa: PLE0604  every item is a string


def __getattr__(name: str) -> Any:
    if name in _CALLABLE:
        return importlib.import_module(f"sparsify.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"sparsify.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
