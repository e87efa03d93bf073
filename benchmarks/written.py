"""What the pages that benchmarks write share: tables in Markdown, the machine, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
