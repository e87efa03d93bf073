"""The graph of a model: numbered lines, a heading a layer, roles and zeros beside the products."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from sparsify.inspection.graph import GraphLine
from sparsify.view.words import percent

APART = re.compile(" {2,}(?!#)")
NOTE = re.compile("# .*")
HANGING = 4
"""How far the rest of a folded line is set in."""


class GraphView:
    """One line a call; folded where there is a terminal, whole in a file and in a pipe."""

    def __init__(self, lines: Sequence[GraphLine]) -> None:
        self.lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        digits, layer = len(str(len(self.lines))), ""
        for line in self.lines:
            if line.layer != layer:
                layer = line.layer
                yield Text(f"{'':{digits}}  # {layer or 'outside of layers'}", "bold")
            shown = f"{line.number:{digits}}  {line.text}{_note(line)}"
            if console.is_terminal:
                shown = _folded(shown, digits + HANGING, options.max_width)
            text = Text(shown, no_wrap=True, overflow="ignore")
            text.stylize("dim", 0, digits)
            text.highlight_regex(NOTE, "cyan")
            yield text


def _folded(line: str, left: int, width: int) -> str:
    """Without the blanks that align it with others; what does not fit goes below, set in."""
    start, rest = line[:left], APART.sub(" ", line[left:])
    return "\n".join(
        textwrap.wrap(
            start + rest, width, subsequent_indent=" " * (left + HANGING), break_on_hyphens=False
        )
    )


def _note(line: GraphLine) -> str:
    """`  # attention.query, 90% zero`."""
    if not line.role:
        return ""
    zero = f", {percent(line.sparsity, 0)} zero" if line.sparsity >= 0.005 else ""
    return f"  # {line.role}{zero}"
