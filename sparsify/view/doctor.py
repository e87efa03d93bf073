"""What an installation has and lacks, and what to do about it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from sparsify.doctor import Diagnosis
from sparsify.view.tables import table
from sparsify.view.words import plural


def doctor_view(diagnosis: Diagnosis) -> RenderableType:
    """A table with a part for each group, then what is wrong, each with its cure."""
    made = table("", "")
    made.show_header = False
    for part, findings in diagnosis.findings.items():
        made.add_row(Text(part, "bold"), "")
        for each in findings:
            style = "red" if each.broken else "yellow" if each.wrong else ""
            made.add_row(Text(f"  {each.name}", style), Text(each.value, style))
    if not diagnosis.wrong:
        return Group(made, Text("nothing is wrong", "green"))
    lines = [
        Text.assemble(
            ("broken: " if each.broken else "note: ", "red" if each.broken else "yellow"),
            f"{each.wrong}; {each.cure}" if each.cure else each.wrong,
        )
        for each in diagnosis.wrong
    ]
    said = f"{plural(len(diagnosis.wrong), 'finding')}, {len(diagnosis.broken)} of them broken"
    return Group(made, *lines, Text(said, "bold"))
