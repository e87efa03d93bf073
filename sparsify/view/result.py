"""What a run came to: the one table that a user waits for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsify.history import History
from sparsify.onnx_report import QUANTIZED
from sparsify.report import LOWER_IS_BETTER, Cost, Parity, RunReport, Scores
from sparsify.view.capture import self_test_line, shapes_words
from sparsify.view.history import history_view
from sparsify.view.latency import DENSE_SPEED, SAME, SPARSE_SPEED, pairs, ratio_words, short_setting
from sparsify.view.passes import passes_view
from sparsify.view.quantized import quantized_line
from sparsify.view.storage import storage_table
from sparsify.view.tables import table
from sparsify.view.words import metric, milliseconds, number, percent, seconds, size

CONTENTS = {
    "model.onnx": "the sparse model, batch and sequence free",
    QUANTIZED: "the sparse model, what is dense in 8 bits",
    "dense.onnx": "the dense model, for comparison",
    "recipe.yaml": "the recipe as it was resolved; `sparsify run` takes it again",
    "report.json": "every figure; `sparsify show` prints it",
    "history.json": "how losses, zeros and metrics moved while it trained",
    "report.html": "all of it as one page, made by `sparsify report`",
    "config.json": "the model's configuration and labels",
    "tokenizer.json": "its tokenizer",
    "model.safetensors": "its weights, as safetensors",
    "sparsify.json": "what was removed; `sparsify.load` builds the smaller model by it",
    "inputs.safetensors": "the inputs that it was captured on",
    "work": "checkpoints of the unfinished run",
}
"""File or folder of a result -> what it is."""


def result_table(report: RunReport) -> Table:
    """Dense beside sparse: metrics in both runtimes, zeros, sizes, latencies."""
    made = table("", "dense", "sparse", "against dense", right=("dense", "sparse"))
    _metrics(made, "PyTorch", report.dense, report.sparse)
    _metrics(made, "ONNX Runtime", report.dense_onnx, report.sparse_onnx)
    if report.pruned_sparsity is not None:
        made.add_row("zeros in the pruned weights", "", percent(report.pruned_sparsity, 2), "")
    if report.dense_cost is not None and report.sparse_cost is not None:
        _smaller(made, report.dense_cost, report.sparse_cost)
    if report.bytes_sparse is not None:
        dense = report.bytes_dense
        share = f"{percent(report.bytes_sparse / dense)} of the bytes" if dense else ""
        made.add_row("file", size(dense) if dense else "", size(report.bytes_sparse), share)
    for first, last in pairs(report.latency):
        made.add_row(
            f"latency, {short_setting(last)}",
            milliseconds(first.median_ms),
            milliseconds(last.median_ms),
            ratio_words(last.ratio),
        )
    return made


def result_view(
    report: RunReport, folder: Path | None = None, files: Sequence[str] = ()
) -> RenderableType:
    """Where things lie, what to beware of and, last, where the prompt comes, the table."""
    parts: list[RenderableType] = []
    if any(weight.form != "dense" or weight.predicted for weight in report.stored):
        parts.append(storage_table(report.stored))
    if folder is not None:
        parts.append(folder_table(folder, files))
    if report.parity is not None:
        parts.append(parity_line(report.parity, report.stock_parity))
    if report.quantized is not None:
        of_file = [row for row in report.latency if row.file.endswith(QUANTIZED)]
        scores = (report.quantized_onnx, report.sparse_onnx)
        parts.append(quantized_line(report.quantized, *scores, of_file))
    if report.phases:
        parts.append(_phases(report))
    parts += _speed(report)
    parts += [Text(f"warning: {warning}", "yellow") for warning in report.warnings]
    return Group(*parts, _heading(report), result_table(report))


def report_view(
    report: RunReport, history: History, folder: Path, files: Sequence[str]
) -> RenderableType:
    """All that is known of a run: each pass, how its figures moved, and the result."""
    parts: list[RenderableType] = []
    if report.passes:
        parts.append(passes_view(report.passes))
    if report.self_test is not None:
        parts.append(self_test_line(report.self_test))
    parts += [history_view(history), result_view(report, folder, files)]
    return Group(*parts)


def _speed(report: RunReport) -> list[Text]:
    """Why a sparse file is not faster, where it is not."""
    timed = pairs(report.latency)
    if not report.pruned_sparsity or not timed:
        return []
    if not all(SAME[0] <= last.ratio <= SAME[1] for _, last in timed):
        return []
    stock = all(last.kernels in ("", "stock") for _, last in timed)
    return [Text(f"speed: {DENSE_SPEED if stock else SPARSE_SPEED}.")]


def folder_table(folder: Path, files: Sequence[str]) -> Table:
    """What lies in a run's folder, and what it is."""
    made = table(f"in {folder}", "what it is")
    for name in files:
        made.add_row(Text(name), CONTENTS.get(name, ""))
    return made


def _heading(report: RunReport) -> Text:
    text = Text(f"{report.recipe} ", "bold")
    return text.append(f"on {report.model}, seed {report.seed}", "not bold dim")


def _metrics(made: Table, runtime: str, dense: Scores | None, sparse: Scores | None) -> None:
    """A row for each metric of one runtime; the one that decides comes first."""
    known = sparse or dense
    if known is None:
        return
    for name in sorted(known.values, key=lambda name: name != known.main):
        before = dense.values.get(name) if dense else None
        after = sparse.values.get(name) if sparse else None
        kept = ""
        if before is not None and after is not None and before > 0:
            share = after / before
            kept = f"{share:.2f}x" if name in LOWER_IS_BETTER else f"{percent(share)} kept"
        style = "bold" if name == known.main else "dim"
        made.add_row(Text(f"{name}, {runtime}", style), *map(_metric, (before, after)), kept)


def _smaller(made: Table, dense: Cost, sparse: Cost) -> None:
    """What was removed for good; zeros alone remove nothing."""
    rows = {
        "parameters": (dense.parameters, sparse.parameters),
        f"multiply-adds, {dense.batch} x {dense.sequence} tokens": (
            dense.dense_macs,
            sparse.dense_macs,
        ),
    }
    for name, (before, after) in rows.items():
        if before != after:
            share = f"{percent(after / before)} of the dense" if before else ""
            made.add_row(name, number(before), number(after), share)


def _metric(value: float | None) -> str:
    return "" if value is None else metric(value)


def parity_line(parity: Parity, stock: Parity | None = None) -> Text:
    """Whether the file computes what the program does, with our kernels and without."""
    allowed = parity.tolerance * parity.scale
    alone = f", {stock.max_abs_difference:.1e} without the sparse kernels" if stock else ""
    rounded = ", with the rounded weights of the file," if parity.rounded else ""
    return Text(
        f"parity: PyTorch{rounded} and ONNX Runtime differ by at most "
        f"{parity.max_abs_difference:.1e}{alone} (allowed {allowed:.0e}) "
        f"at the shapes {shapes_words(parity.shapes)}{_with_rounded_inputs(parity)}"
    )


def _with_rounded_inputs(parity: Parity) -> str:
    difference = parity.inputs_rounded_difference
    return "" if difference is None else f"; by {difference:.1e} with inputs in 8 bits"


def _phases(report: RunReport) -> Text:
    spent = ", ".join(f"{phase.name} {seconds(phase.seconds)}" for phase in report.phases)
    total = sum(phase.seconds for phase in report.phases)
    peak = max(phase.peak_memory_mb for phase in report.phases)
    return Text(f"time: {seconds(total)} ({spent}); peak memory {size(peak * 1e6)}")
