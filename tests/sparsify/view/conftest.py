"""Rendering to text, as a plain terminal of a known width would show it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console


@pytest.fixture
def rendered() -> Callable[..., str]:
    """A function: renderable, width, encoding -> text without trailing blanks."""

    def render(renderable: Any, width: int = 80, encoding: str = "utf-8") -> str:
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        console = Console(file=file, width=width, highlight=False, emoji=False, _environ={})
        console.print(renderable, crop=False)
        file.seek(0)
        return "\n".join(line.rstrip() for line in file.read().strip("\n").splitlines())

    return render
