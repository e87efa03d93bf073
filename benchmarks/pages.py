"""What the pages that benchmarks write share: tables in Markdown, the machine, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparsify.errors import Problem, unknown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MARKED = re.compile(r"(<!-- table:(?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
OPENING = re.compile(r"<!-- table:([\w-]+) -->")


def between_markers(text: str, tables: Mapping[str, Callable[[], str]], *, where: str) -> str:
    """`text` with all between `<!-- table:NAME -->` and `<!-- end -->` made anew.

    Args:
        text: of a page.
        tables: by name, what makes them.
        where: the page, for messages.

    Raises:
        Problem: a marker names no table, or has no end.
    """
    marked = [match["name"] for match in MARKED.finditer(text)]
    for name in OPENING.findall(text):
        if name not in tables:
            raise unknown("table", name, tables, where=where)
        if name not in marked:
            raise Problem(f"the table {name!r} has no `<!-- end -->`", where=where)
    return MARKED.sub(lambda match: match[1] + tables[match["name"]]() + match[3], text)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int) -> str:
    """A table; its last `numbers` columns stand to the right."""
    rules = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rules, *rows))


def machine_words(machine: dict[str, str]) -> str:
    """What a result was measured on: the GPU, or the processor and its threads."""
    if machine["gpu"] != "none":
        return machine["gpu"]
    count = machine["torch_threads"]
    return f"{machine['processor'] or machine['system']}, {count} thread{'s' * (count != '1')}"


def keep_picture(figure: Figure, path: Path, *, dpi: int) -> None:
    """Write a picture, or nothing; the same numbers make the same file."""
    from matplotlib import pyplot

    draft = path.with_suffix(".part")
    # it would name the version of the library
    figure.savefig(draft, format="png", dpi=dpi, metadata={"Software": None})
    pyplot.close(figure)
    draft.replace(path)
