"""What an export made: how its weights are stored, that it is right, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group

from sparsify.report import Exported
from sparsify.view.quantized import quantized_line
from sparsify.view.result import folder_table, parity_line
from sparsify.view.storage import storage_table


def export_view(made: Exported, folder: Path, files: Sequence[str]) -> Group:
    stored = [storage_table(made.stored)] if made.stored else []
    lines = [parity_line(made.parity, made.stock_parity)]
    if made.quantized is not None:
        lines.append(quantized_line(made.quantized))
    return Group(*stored, *lines, folder_table(folder, files))
