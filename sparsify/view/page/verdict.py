"""What a run came to, in one sentence and a few large figures."""

from __future__ import annotations

from dataclasses import dataclass

from sparsify.report import LOWER_IS_BETTER, RunReport
from sparsify.view.latency import pairs, ratio_words, setting
from sparsify.view.words import metric, milliseconds, percent, size


@dataclass(frozen=True)
class Tile:
    """One large figure.

    Args:
        label: what it is.
        figure: it, with its unit.
        key: where it stands in the report.
        beside: what it is held against.
        share: how much of that it is, 0 to 1, for a bar.
    """

    label: str
    figure: str
    key: str
    beside: str
    share: float


def headline(report: RunReport) -> str:
    """Such as `90.0% zeros, 93.0% of the accuracy kept, 24.6% of the bytes, 1.98x as fast`."""
    told = []
    if report.pruned_sparsity is not None:
        told.append(f"{percent(report.pruned_sparsity)} zeros")
    if (kept := _kept(report)) is not None:
        told.append(f"{percent(kept[2])} of the {kept[0]} kept")
    if report.bytes_sparse is not None and report.bytes_dense:
        told.append(f"{percent(report.bytes_sparse / report.bytes_dense)} of the bytes")
    told += [ratio_words(last.ratio) for _, last in pairs(report.latency)[:1]]
    return f"{', '.join(told)}." if told else "No figures were measured."


def tiles(report: RunReport) -> list[Tile]:
    """Zeros, the metric that decides, bytes and latency, of what was measured."""
    made = []
    if (share := report.pruned_sparsity) is not None:
        beside = f"in {len(report.weights)} pruned weights"
        made.append(Tile("zeros", percent(share), "pruned_sparsity", beside, share))
    if (kept := _kept(report)) is not None:
        name, key, share, dense, sparse = kept
        beside = f"dense {metric(dense)}, {percent(share)} kept"
        made.append(Tile(name, metric(sparse), key, beside, share))
    if report.bytes_sparse is not None and report.bytes_dense:
        share = report.bytes_sparse / report.bytes_dense
        beside = f"dense {size(report.bytes_dense)}, {percent(share)} of it"
        made.append(Tile("file", size(report.bytes_sparse), "bytes_sparse", beside, share))
    for first, last in pairs(report.latency)[:1]:
        number = report.latency.index(last)
        beside = f"dense {milliseconds(first.median_ms)}, {ratio_words(last.ratio)}"
        beside += f"; {setting(last)}"
        figure, key = milliseconds(last.median_ms), f"latency.{number}.median_ms"
        made.append(Tile("latency", figure, key, beside, last.median_ms / first.median_ms))
    return made


def _kept(report: RunReport) -> tuple[str, str, float, float, float] | None:
    """The main metric: name, key, share kept, dense and sparse; None where shares say nothing."""
    for key, dense, sparse in (
        ("sparse_onnx", report.dense_onnx, report.sparse_onnx),
        ("sparse", report.dense, report.sparse),
    ):
        if dense is not None and sparse is not None and dense.values[sparse.main] > 0:
            before, after = dense.values[sparse.main], sparse.values[sparse.main]
            if sparse.main in LOWER_IS_BETTER:
                return None
            return sparse.main, f"{key}.values.{sparse.main}", after / before, before, after
    return None
