"""`--svg` and `--html`: what a verb shows, kept as a picture or as a page."""

from __future__ import annotations

import functools
import inspect
import io
import re
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsify.atomic import write_text
from sparsify.cli import screen
from sparsify.cli.destinations import require_writable
from sparsify.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

KINDS = {
    "svg": Annotated[
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Keep what is shown as a picture, too."),
    ],
    "html": Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Keep what is shown as a page, too."),
    ],
}
FAR_FONTS = re.compile(r'src: (local\("[^"]*"\)),\s*url[^;]*;')
"""Fonts that rich's pictures fetch from the network."""


def offered(verb: Callable[..., None]) -> Callable[..., None]:
    """`verb` with `--svg FILE` and `--html FILE`, where it shows a view: where it has `--json`.

    The files are written when the verb ends, complete or not at all, as wide as the terminal and
    with the colours of one that has all.
    """
    known = inspect.signature(verb, eval_str=True)
    if "as_json" not in known.parameters:
        return verb

    @functools.wraps(verb)
    def keeping(**options: Any) -> None:
        files = {kind: path for kind in KINDS if (path := options.pop(kind))}
        for kind, path in files.items():
            _require(kind, path, as_json=options["as_json"])
        screen.shown.clear()
        try:
            verb(**options)
        finally:
            # a check that failed leaves figures which the user wants to keep
            if files and screen.shown:
                _keep(files)

    added = [
        inspect.Parameter(kind, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for kind, option in KINDS.items()
    ]
    keeping.__signature__ = known.replace(  # type: ignore[attr-defined]
        parameters=[*known.parameters.values(), *added]
    )
    return keeping


def _require(kind: str, path: Path, *, as_json: bool) -> None:
    """Raise a Problem before the verb begins, where its view could not be kept."""
    if as_json:
        where = f"--{kind} {path}"
        raise Problem("keeps a view, and --json shows none", where=where, hint="leave one out")
    require_writable(path, f"--{kind}")


def _keep(files: dict[str, Path]) -> None:
    if "svg" in files:
        title = shlex.join(["sparsify", *_without_files(sys.argv[1:])])
        write_text(files["svg"], picture(screen.shown, title))
    if "html" in files:
        write_text(files["html"], _recorded(screen.shown).export_html())


def picture(shown: Iterable[RenderableType], title: str) -> str:
    """A window of a terminal, as SVG, that shows these views under a `title`."""
    console = _recorded(shown)
    # the window has three buttons at its left, and its title no end
    drawn = console.export_svg(title=title[: console.width - 16])
    return with_near_fonts(drawn)


def with_near_fonts(svg: str) -> str:
    """A picture of rich's that fetches nothing from the network."""
    return FAR_FONTS.sub(r"src: \1;", svg)


def _recorded(shown: Iterable[RenderableType]) -> Console:
    """A terminal with everything, as wide as the user's own, on which these views were printed."""
    from rich.console import Console

    nowhere = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    made = Console(
        file=nowhere,
        record=True,
        width=screen.console().width,
        force_terminal=True,
        color_system="truecolor",
        no_color=False,
        highlight=False,
        emoji=False,
        _environ={},
    )
    for each in shown:
        made.print(each)
    return made


def _without_files(arguments: list[str]) -> list[str]:
    """The command without the options that keep its view."""
    options = {f"--{kind}" for kind in KINDS}
    after = [False, *(each in options for each in arguments)]
    return [
        each
        for each, is_path in zip(arguments, after, strict=False)
        if not is_path and each.partition("=")[0] not in options
    ]
