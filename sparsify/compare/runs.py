"""Two runs: what they came to, and what was asked of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparsify import schema
from sparsify.compare.changes import Comparison, section
from sparsify.compare.recipes import compared_keys
from sparsify.report import RECIPE, REPORT, RunReport


def compare_runs(old: Path, new: Path) -> Comparison:
    """Results, the recipe's keys where both folders hold it, zeros by weight, surroundings.

    Raises:
        Problem: a report cannot be read.
    """
    folders = [path.parent if path.name == REPORT else path for path in (old, new)]
    before, after = (RunReport.load(folder / REPORT) for folder in folders)
    sections = [section("results", "figures", _results(before), _results(after))]
    if all((folder / RECIPE).is_file() for folder in folders):
        loaded = [schema.read(str(folder / RECIPE)) for folder in folders]
        sections.append(compared_keys(*loaded))
    sections.append(section("weights", "figures", _zeros(before), _zeros(after)))
    sections.append(section("surroundings", "figures", _around(before), _around(after)))
    return Comparison(kind="runs", old=str(old), new=str(new), sections=sections)


def _results(report: RunReport) -> dict[str, dict[str, Any]]:
    """Figure -> its value, with the unit in the name of the fact."""
    found: dict[str, dict[str, Any]] = {}
    of_models = {
        "dense, PyTorch": report.dense,
        "dense, ONNX Runtime": report.dense_onnx,
        "sparse, PyTorch": report.sparse,
        "sparse, ONNX Runtime": report.sparse_onnx,
    }
    for who, scores in of_models.items():
        for name, value in scores.values.items() if scores else ():
            found[f"{name}, {who}"] = {"value": value}
    if report.pruned_sparsity is not None:
        found["zeros in the pruned weights"] = {"sparsity_fraction": report.pruned_sparsity}
    if report.sparse_cost is not None:
        found["parameters"] = {"value": report.sparse_cost.parameters}
        found["multiply-adds without zeros"] = {"value": report.sparse_cost.macs}
    for name, size in (("dense file", report.bytes_dense), ("file", report.bytes_sparse)):
        if size is not None:
            found[name] = {"size_bytes": size}
    for row in report.latency:
        sizes = f"{row.batch} x {row.sequence}, {row.threads} threads"
        found[f"latency of {Path(row.file).name}, {sizes}"] = {"median_ms": row.median_ms}
    training = sum(phase.seconds for phase in report.phases if phase.name == "train")
    if training:
        found["training"] = {"duration_seconds": training}
    return found


def _zeros(report: RunReport) -> dict[str, dict[str, Any]]:
    return {name: {"sparsity_fraction": share} for name, share in report.weights.items()}


def _around(report: RunReport) -> dict[str, dict[str, Any]]:
    return {name: {"value": each} for name, each in {**report.versions, **report.machine}.items()}
