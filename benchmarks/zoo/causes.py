"""Why a model of the zoo cannot pass a step, where the reason lies outside of this project."""

from __future__ import annotations

CAUSES: dict[tuple[str, str], str] = {}
"""(row, step) -> the cause, in a sentence that names who would have to change what."""
