"""Two ONNX files: operators, stored weights, ends, versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from sparsify.compare.changes import Comparison, section
from sparsify.export import OnnxSummary, inspect_onnx


def compare_onnx(old: Path, new: Path) -> Comparison:
    """What the graphs compute with, what they store, and what they are called with.

    Raises:
        Problem: one of them is no ONNX file.
    """
    before, after = inspect_onnx(old), inspect_onnx(new)
    sections = [
        section("file", "bytes", _file(before, old), _file(after, new), _size),
        section("ends", "figures", _ends(before), _ends(after)),
        section("operators", "nodes", _operators(before), _operators(after), _nodes),
        section("weights", "bytes", _weights(before, old), _weights(after, new), _size),
    ]
    return Comparison(kind="onnx", old=str(old), new=str(new), sections=sections)


def _file(summary: OnnxSummary, path: Path) -> dict[str, dict[str, Any]]:
    model = onnx.load(path, load_external_data=False)
    found: dict[str, dict[str, Any]] = {"size": {"size_bytes": summary.size_bytes}}
    found["made by"] = {"value": f"{model.producer_name} {model.producer_version}".strip()}
    found["IR version"] = {"value": model.ir_version}
    for opset in model.opset_import:
        found[f"opset of {opset.domain or 'ai.onnx'}"] = {"value": opset.version}
    for each in model.metadata_props:
        found[f"metadata {each.key}"] = {"value": each.value}
    return found


def _ends(summary: OnnxSummary) -> dict[str, dict[str, Any]]:
    ends = {"input": summary.inputs, "output": summary.outputs}
    return {
        f"{kind} {name}": {"shape": list(shape)}
        for kind, named in ends.items()
        for name, shape in named.items()
    }


def _operators(summary: OnnxSummary) -> dict[str, dict[str, Any]]:
    return {name: {"nodes": count} for name, count in sorted(summary.nodes.items())}


def _weights(summary: OnnxSummary, path: Path) -> dict[str, dict[str, Any]]:
    graph = onnx.load(path, load_external_data=False).graph
    names = {each.name for each in graph.initializer}
    return {
        weight.name: {
            "shape": list(weight.shape),
            "sparsity_fraction": weight.sparsity,
            "size_bytes": weight.size_bytes,
            "stored": _form(weight.name, names),
        }
        for weight in summary.weights
    }


def _form(weight: str, names: set[str]) -> str:
    """How a weight is stored, by the names of its parts."""
    forms = {"gaps": "gaps", "columns": "csr", "positions": "2 of 4"}
    return next((form for part, form in forms.items() if f"{weight}.{part}" in names), "dense")


def _size(facts: dict[str, Any]) -> float:
    return float(facts.get("size_bytes", 0))


def _nodes(facts: dict[str, Any]) -> float:
    return float(facts["nodes"])
