"""The two streams of a verb: results go to the standard output, progress and mistakes beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sparsify.watch import Watch

shown: list[RenderableType] = []
"""The results for people that this process has printed, for `--svg` and `--html`."""


def console() -> Console:
    """The standard output."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def show(renderable: RenderableType) -> None:
    """Print a result for people."""
    shown.append(renderable)
    # lines of a graph are longer than any terminal, and whole in a file
    console().print(renderable, crop=False)


def write(text: str) -> None:
    """Print text as it is, for programs and for pipes."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def write_json(value: Any) -> None:
    """Print `value` as JSON and nothing else."""
    write(json.dumps(value, indent=2, ensure_ascii=False))


def answer(as_json: bool, value: Callable[[], Any], view: Callable[[], RenderableType]) -> None:
    """Print the JSON of a result, or its view; only the one that is asked for is made."""
    if as_json:
        write_json(value())
    else:
        show(view())


def complain(sentence: str) -> None:
    """One line about what went wrong, never wrapped, brackets left alone."""
    sys.stderr.write(sentence.replace("\n", " ") + "\n")


def watching(*, quiet: bool) -> AbstractContextManager[Watch]:
    """Progress, on the error stream: whatever reads the standard output gets results only."""
    from rich.console import Console

    from sparsify.view import live

    return live.watching(Console(stderr=True, highlight=False, emoji=False), quiet=quiet)
