"""From a recipe to a checked result: the phases of a run, and the plan that only looks ahead."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparsify.run.exporting import export_model
    from sparsify.run.full import run
    from sparsify.run.planning import plan

__all__ = ["export_model", "plan", "run"]

_HOMES = {"export_model": "exporting", "plan": "planning", "run": "full"}
"""Imported when first asked for: a plan needs neither the exporter nor the training loop."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"sparsify.run.{_HOMES[name]}"), name)
