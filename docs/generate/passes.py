"""A page for each pass: what it does, its keys, and what it tells of a small model."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from docs.generate import markdown, pictures
from sparsify.cli.exports import with_near_fonts
from sparsify.pipeline import Pass, apply
from sparsify.schema.catalog import first_sentence
from sparsify.schema.said import read
from sparsify.view.passes import passes_view

ABOUT = """# Passes

A pass rewrites the program, or asks training to. An exact one promises that outputs do not change.

"""
OPTIONS: dict[str, dict[str, Any]] = {
    "drop-layers": {"which": "top", "count": 1},
    "fisher-masks": {"sparsity": 0.5},
    "obert": {"sparsity": 0.5},
    "prune": {"criterion": "magnitude", "sparsity": 0.5},
    "soft-prune": {"regularization": 100},
    "sparsegpt": {"sparsity": 0.5},
}
"""Of the passes that cannot go without."""
BEFORE: dict[str, list[Any]] = {
    "clean": [],
    "insert-masks": ["clean"],
    "shrink": [
        "clean",
        {"insert-masks": {"targets": ["*"]}},
        {"prune": {"criterion": "magnitude", "pattern": "head", "sparsity": 0.5}},
    ],
}
"""What runs before a pass in its picture, where it is not `clean` and `insert-masks`."""


def known() -> list[type[Pass]]:
    ours = [cls for cls in Pass.known.values() if cls.__module__.startswith("passes.")]
    return sorted(ours, key=lambda cls: cls.tag)


def index() -> str:
    rows = [
        (
            f"[`{cls.tag}`]({cls.tag}.md)",
            markdown.plain(first_sentence(cls)),
            "yes" if cls.exact else "",
        )
        for cls in known()
    ]
    return ABOUT + markdown.table(("pass", "what it does", "exact"), rows)


def pages(cls: type[Pass]) -> dict[str, str]:
    """The page of one pass, and the picture of what it tells."""
    parts = [
        f"# {cls.tag}\n\n{markdown.described(cls)}\n\n",
        "Outputs stay exactly as they were; the pipeline compares them.\n\n" if cls.exact else "",
        markdown.keys(cls.model_json_schema()),
        f"\n![{cls.tag}]({cls.tag}.svg)\n\n",
        "What it tells of a BERT with two layers of 16 channels.\n",
    ]
    path = f"reference/passes/{cls.tag}"
    return {f"{path}.md": "".join(parts), f"{path}.svg": told(cls)}


def told(cls: type[Pass]) -> str:
    """The pass's own report, as the terminal shows it."""
    program = pictures.encoder()
    before = BEFORE.get(cls.tag, ["clean", "insert-masks"])
    apply(read(before).passes, program, check=False)
    steps = apply(read([{cls.tag: OPTIONS.get(cls.tag, {})}]).passes, program, check=False)
    console = Console(file=io.StringIO(), record=True, width=92, force_terminal=True)
    console.print(passes_view([step.told() for step in steps]))
    drawn = console.export_svg(title=f"sparsify: {cls.tag}", unique_id=cls.tag)
    return with_near_fonts(drawn)
